import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Database, type Logger, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { VenueEvent } from './contract.ts';
import { ReplayPosition } from './replay-position.ts';
import { feedsDatabase } from './testing/feeds-database.ts';
import type { ReplayClock } from './venue/index.ts';
import { recordingBytes, type SyntheticOptions, syntheticRecording } from './venue/synthetic-recording.ts';
import { VenueMarket } from './venue-market.ts';

const folder = mkdtempSync(join(tmpdir(), 'venue-market-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(lines: readonly string[]): string {
  const file = join(folder, `${files++}.gz`);
  writeFileSync(file, recordingBytes(lines));
  return file;
}

function linesOf(options: Partial<SyntheticOptions> = {}): readonly string[] {
  return syntheticRecording({ seed: 5, ...options }).lines;
}

/** Time that passes when the test lets it: nothing is due before. */
class HeldClock implements ReplayClock {
  #now = 0;
  #sleeping: (() => void) | undefined;
  #until = 0;

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    this.#until = this.#now + ms;
    return new Promise((resolve) => {
      this.#sleeping = resolve;
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Lets the replay come to the next message that it waits for. */
  async step(): Promise<void> {
    const wake = await waitFor(() => this.#sleeping);
    this.#sleeping = undefined;
    this.#now = this.#until;
    wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Time that nobody waits for, for playing all of a file. */
const hurried: ReplayClock = { now: () => performance.now() * 1e6, sleep: async () => {} };

interface PlayOptions {
  readonly file: string;
  readonly database?: Database;
  readonly clock?: ReplayClock;
  readonly log?: Logger;
}

async function open({ file, database = feedsDatabase(), clock = hurried, log = silentLogger }: PlayOptions) {
  const stop = new AbortController();
  const position = await ReplayPosition.open(database, file);
  const venue = new VenueMarket({ file, position, speed: 1, clock, log, signal: stop.signal });
  return { venue, stop, position, database };
}

/** Collects the events of a subscriber until it leaves. */
class Subscriber {
  readonly events: VenueEvent[] = [];
  readonly #leave = new AbortController();
  readonly #done: Promise<void>;

  constructor(venue: VenueMarket, after?: { run: number; sequence: number }) {
    this.#done = this.#read(venue, after);
  }

  get last(): VenueEvent | undefined {
    return this.events.at(-1);
  }

  async leave(): Promise<VenueEvent[]> {
    this.#leave.abort();
    await this.#done;
    return this.events;
  }

  async #read(venue: VenueMarket, after: { run: number; sequence: number } | undefined): Promise<void> {
    for await (const event of venue.events(after, this.#leave.signal)) {
      const { last } = this;
      if (last) assert.equal(event.sequence, last.sequence + 1, 'a gap between events');
      this.events.push(VenueEvent.parse(event));
    }
  }
}

/** All events of a file, as a subscriber that was there from the beginning sees them. */
async function everything(file: string) {
  const { venue, position } = await open({ file });
  const subscriber = new Subscriber(venue, { run: position.run, sequence: 0 });
  await venue.play();
  await waitFor(() => (subscriber.last?.sequence ?? 0) === venue.status.sequence);
  return { events: await subscriber.leave(), venue, run: position.run };
}

/** The book after folding events, as a snapshot would show it. */
function fold(events: readonly VenueEvent[]): string[] | undefined {
  let book: Map<string, string> | undefined;
  for (const event of events) {
    if (event.kind === 'gap') book = undefined;
    if (event.kind === 'snapshot') book = new Map();
    if (!('levels' in event)) continue;
    for (const { side, price, quantity } of event.levels) {
      if (Number(quantity) === 0) book?.delete(`${side} ${price}`);
      else book?.set(`${side} ${price}`, quantity);
    }
  }
  return book && [...book].map((level) => level.join(' ')).sort();
}

const contents = (event: VenueEvent) => ({ ...event, run: 0 });

describe('playing', () => {
  test('a subscriber from the beginning gets every event, numbered from 1', async () => {
    const { events, venue } = await everything(write(linesOf()));
    assert.equal(events[0]!.sequence, 1);
    assert.equal(events.at(-1)!.sequence, venue.status.sequence);
    assert.deepEqual(new Set(events.map(({ kind }) => kind)), new Set(['snapshot', 'book', 'trade']));
    assert.deepEqual(venue.status, {
      symbol: 'BTCUSDT.BINANCE',
      state: 'ended',
      sequence: events.length,
      gaps: 0,
    });
  });

  test('whoever comes at any time gets a snapshot of the book as it is then, and what follows', async () => {
    const lines = linesOf({ diffs: 25 });
    const { events } = await everything(write(lines));
    const clock = new HeldClock();
    const { venue, stop } = await open({ file: write(lines), clock });
    const playing = venue.play();
    const subscribers = [new Subscriber(venue)];
    for (let step = 0; venue.status.state !== 'ended' && step < lines.length; step++) {
      if (step < lines.length - 1) await clock.step();
      if (step % 9 === 0) subscribers.push(new Subscriber(venue));
    }
    await playing;
    const last = venue.status.sequence;
    assert.equal(last, events.length);
    for (const subscriber of subscribers) {
      await waitFor(() => subscriber.last?.sequence === last);
      const seen = await subscriber.leave();
      const [first] = seen;
      assert.deepEqual(fold(seen), fold(events));
      assert.ok(first!.kind === 'snapshot' || first!.kind === 'gap');
      assert.deepEqual(fold(seen.slice(0, 1)), fold(events.slice(0, first!.sequence)));
      assert.deepEqual(seen.slice(1).map(contents), events.slice(first!.sequence).map(contents));
    }
    stop.abort();
  });

  test('whoever comes after the end gets the last book', async () => {
    const { events, venue } = await everything(write(linesOf()));
    const late = new Subscriber(venue);
    await waitFor(() => late.last);
    assert.equal(late.last!.kind, 'snapshot');
    assert.equal(late.last!.sequence, events.length);
    assert.deepEqual(fold(await late.leave()), fold(events));
  });

  test('a subscriber so slow that its next event is gone gets a snapshot, and goes on from there', async () => {
    const lines = linesOf({ diffs: 5_000 });
    const { venue } = await open({ file: write(lines) });
    const leave = new AbortController();
    const slow = venue.events(undefined, leave.signal);
    const first = slow.next();
    await venue.play();
    const { sequence } = venue.status;
    assert.ok(sequence > 4_096 + 1_000, `the recording has only ${sequence} events`);
    await first;
    const { value: next } = await slow.next();
    assert.deepEqual([next!.kind, next!.sequence], ['snapshot', sequence]);
    leave.abort();
    assert.equal((await slow.next()).done, true);
  });

  test('an abort ends the playing and saves how far it was', async () => {
    const clock = new HeldClock();
    const { venue, stop, database } = await open({ file: write(linesOf()), clock });
    const playing = venue.play();
    for (let step = 0; step < 20; step++) await clock.step();
    const { sequence } = venue.status;
    assert.ok(sequence > 3);
    stop.abort();
    await playing;
    assert.equal(venue.status.state, 'playing');
    const { sequence: saved, ended } = database.prepare('SELECT sequence, ended FROM replay').get()!;
    assert.deepEqual([saved, ended], [sequence, 0]);
  });
});

describe('the mid price', () => {
  test('it is between the best bid and ask, and ends with the recording', async () => {
    const clock = new HeldClock();
    const lines = linesOf();
    const { venue, stop } = await open({ file: write(lines), clock });
    assert.equal(venue.mid, undefined);
    const subscriber = new Subscriber(venue);
    const playing = venue.play();
    let compared = 0;
    for (let step = 1; step < lines.length; step++) {
      await clock.step();
      const book = fold(subscriber.events)?.map((level) => level.split(' '));
      if (!book) {
        assert.equal(venue.mid, undefined);
        continue;
      }
      compared += 1;
      const prices = (side: string) => book.filter(([own]) => own === side).map(([, price]) => Number(price));
      const middle = (Math.max(...prices('buy')) + Math.min(...prices('sell'))) / 2;
      if (venue.status.state === 'playing') assert.ok(Math.abs(Number(venue.mid) - middle) <= 0.005001);
    }
    await playing;
    assert.equal(venue.status.state, 'ended');
    assert.equal(venue.mid, undefined);
    assert.ok(compared > 50);
    await subscriber.leave();
    stop.abort();
  });

  test('there is none during a gap, nor after a restart within one', async () => {
    const lines = linesOf({ lost: new Set([10]), snapshotTaken: undefined });
    const clock = new HeldClock();
    const file = write(lines);
    const { venue, stop, database } = await open({ file, clock });
    const playing = venue.play();
    while (venue.status.gaps === 0) await clock.step();
    assert.deepEqual([venue.status.state, venue.mid], ['gap', undefined]);
    const before = venue.status;
    stop.abort();
    await playing;

    const later = new HeldClock();
    const again = await open({ file, clock: later, database });
    assert.equal(again.venue.mid, undefined);
    const late = new Subscriber(again.venue);
    const playingAgain = again.venue.play();
    await waitFor(() => again.venue.status.state === 'gap');
    assert.deepEqual(again.venue.status, before);
    assert.equal(again.venue.mid, undefined);
    while (late.events.length === 0) await later.step();
    assert.equal(late.events[0]!.kind, 'gap');
    again.stop.abort();
    await playingAgain;
    await late.leave();
  });

  test('the past that a restart passes over is never seen in it', async () => {
    const lines = linesOf({ diffs: 60 });
    const clock = new HeldClock();
    const file = write(lines);
    const { venue, stop, database } = await open({ file, clock });
    const playing = venue.play();
    for (let step = 0; step < lines.length - 20; step++) await clock.step();
    const mid = venue.mid;
    stop.abort();
    await playing;
    const again = await open({ file, clock: new HeldClock(), database });
    const playingAgain = again.venue.play();
    const seen = new Set<string | undefined>();
    await waitFor(() => {
      seen.add(again.venue.mid);
      return again.venue.mid !== undefined;
    });
    assert.ok(mid !== undefined);
    assert.deepEqual(
      [...seen].filter((one) => one !== undefined),
      [mid],
    );
    again.stop.abort();
    await playingAgain;
  });
});

describe('restarts', () => {
  test('wherever it stopped, a subscriber misses and repeats nothing, ahead of the stored position or behind it', async () => {
    const lines = linesOf({ diffs: 20, lost: new Set([8]), snapshotTaken: 12 });
    const file = write(lines);
    const { events } = await everything(file);
    for (let stored = 0; stored < events.length; stored += 5) {
      for (const had of [stored, Math.min(stored + 4, events.length), Math.max(stored - 7, 0)]) {
        const database = feedsDatabase();
        const position = await ReplayPosition.open(database, file);
        await position.save({ sequence: stored, gaps: 0 });
        const { venue } = await open({ file, database });
        const subscriber = new Subscriber(venue, { run: position.run, sequence: had });
        await venue.play();
        assert.equal(venue.status.sequence, events.length);
        if (had < events.length) await waitFor(() => subscriber.last?.sequence === events.length);
        const seen = await subscriber.leave();
        assert.deepEqual(seen.map(contents), events.slice(had).map(contents));
      }
    }
  });

  test('whoever is far behind, or of another run, gets a snapshot of a moment after the restart', async () => {
    const lines = linesOf({ diffs: 6_000 });
    const file = write(lines);
    const { venue: all } = await open({ file });
    await all.play();
    const last = all.status.sequence;
    const database = feedsDatabase();
    const position = await ReplayPosition.open(database, file);
    await position.save({ sequence: last - 5, gaps: 0 });
    const { venue } = await open({ file, database });
    const behind = new Subscriber(venue, { run: position.run, sequence: last - 5_000 });
    const ofAnotherRun = new Subscriber(venue, { run: position.run - 1, sequence: last - 1 });
    await venue.play();
    for (const subscriber of [behind, ofAnotherRun]) {
      await waitFor(() => subscriber.last?.sequence === last);
      const [first] = await subscriber.leave();
      assert.ok(first!.kind === 'snapshot' && first!.sequence >= last - 5);
    }
  });

  test('the position is stored while it plays, about once a second', async () => {
    const lines = linesOf({ diffs: 200 });
    const clock = new HeldClock();
    const { venue, stop, database } = await open({ file: write(lines), clock });
    const stored = () => Number(database.prepare('SELECT sequence FROM replay').get()!.sequence);
    const playing = venue.play();
    const startedAt = clock.now();
    while (stored() === 0) await clock.step();
    assert.ok(clock.now() - startedAt >= 1_000);
    assert.ok(stored() <= venue.status.sequence);
    const first = stored();
    const firstAt = clock.now();
    while (stored() === first) await clock.step();
    assert.ok(clock.now() - firstAt >= 900, `stored again after ${clock.now() - firstAt} ms`);
    stop.abort();
    await playing;
  });

  test('a recording that came to its end is played again, from its beginning and as another run', async () => {
    const file = write(linesOf());
    const first = await open({ file });
    await first.venue.play();
    const second = await open({ file, database: first.database });
    assert.ok(second.position.run > first.position.run);
    assert.equal(second.venue.status.sequence, 0);
    await second.venue.play();
    assert.equal(second.venue.status.sequence, first.venue.status.sequence);
  });
});

describe('damage', () => {
  const sound = linesOf({ diffs: 30 });
  const damaged = [...sound.slice(0, 40), '1723161600999999999 {"stream":', ...sound.slice(40)];

  function errorsOf(): { log: Logger; errors: { message: string; fields: unknown }[] } {
    const errors: { message: string; fields: unknown }[] = [];
    const log = {
      ...silentLogger,
      error: (message: string, fields?: object) => errors.push({ message, fields }),
    };
    return { log, errors };
  }

  test('it is in the status and the log with file and line, and one gap event tells subscribers', async () => {
    const file = write(damaged);
    const { log, errors } = errorsOf();
    const { venue, position } = await open({ file, log });
    const subscriber = new Subscriber(venue, { run: position.run, sequence: 0 });
    await venue.play();
    const { state, reason, sequence } = venue.status;
    assert.equal(state, 'damaged');
    assert.match(reason!, /line 41: the text after the time is not JSON/);
    assert.ok(reason!.includes(file));
    assert.equal(venue.mid, undefined);
    assert.equal(errors.length, 1);
    assert.match(errors[0]!.message, /the recording is damaged: .*line 41/);
    assert.deepEqual(errors[0]!.fields, { file, line: 41 });
    await waitFor(() => subscriber.last?.sequence === sequence);
    const seen = await subscriber.leave();
    assert.equal(seen.filter(({ kind }) => kind === 'gap').length, 1);
    assert.equal(seen.at(-1)!.kind, 'gap');
    const late = new Subscriber(venue);
    await waitFor(() => late.last);
    assert.deepEqual(await late.leave(), [seen.at(-1)]);
  });

  test('all events before it are out, and are those of a sound recording', async () => {
    const { events } = await everything(write(sound.slice(0, 40)));
    const broken = await everything(write(damaged));
    assert.deepEqual(broken.events.slice(0, -1).map(contents), events.map(contents));
  });

  test('a process that ended between the last event and the damage meets it again, and repeats and skips nothing', async () => {
    const file = write(damaged);
    const { events } = await everything(file);
    for (const stored of [events.length - 1, events.length - 3, 0]) {
      const database = feedsDatabase();
      const position = await ReplayPosition.open(database, file);
      await position.save({ sequence: stored, gaps: 0 });
      const { venue } = await open({ file, database });
      const had = new Subscriber(venue, { run: position.run, sequence: stored });
      const hadAll = new Subscriber(venue, { run: position.run, sequence: events.length });
      await venue.play();
      assert.equal(venue.status.sequence, events.length);
      await waitFor(() => had.last?.sequence === events.length);
      assert.deepEqual((await had.leave()).map(contents), events.slice(stored).map(contents));
      assert.deepEqual(await hadAll.leave(), []);
    }
  });

  test('a start after it plays the recording from its beginning, as another run', async () => {
    const file = write(damaged);
    const first = await open({ file });
    await first.venue.play();
    const second = await open({ file, database: first.database });
    assert.ok(second.position.run > first.position.run);
    assert.deepEqual(second.position.start, { sequence: 0, gaps: 0 });
  });

  test('damage in the first line is the one event there is', async () => {
    const { venue } = await open({ file: write(['nonsense', ...sound]) });
    const subscriber = new Subscriber(venue);
    await venue.play();
    await waitFor(() => subscriber.last);
    const [only, ...others] = await subscriber.leave();
    assert.deepEqual([only!.kind, only!.sequence, others.length], ['gap', 1, 0]);
    assert.match(venue.status.reason!, /line 1/);
  });

  test('a file that can no longer be read sends whoever had more of it a gap', async () => {
    const file = write(damaged.slice(20, 45));
    const database = feedsDatabase();
    const position = await ReplayPosition.open(database, file);
    const { venue } = await open({ file, database });
    const ahead = new Subscriber(venue, { run: position.run, sequence: 1_000 });
    await venue.play();
    await waitFor(() => ahead.last);
    const seen = await ahead.leave();
    assert.deepEqual(
      seen.map(({ kind, sequence }) => [kind, sequence]),
      [['gap', venue.status.sequence]],
    );
  });
});
