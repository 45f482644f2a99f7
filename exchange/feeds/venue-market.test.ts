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

/** A venue that says its events into a list, as far as their transactions commit. */
async function open(options: PlayOptions) {
  const { file, database = feedsDatabase(), clock = hurried, log = silentLogger } = options;
  const said: VenueEvent[] = [];
  const stop = new AbortController();
  const position = await ReplayPosition.open(database, file);
  const say = (event: VenueEvent, alongside: () => void) =>
    database.write(() => {
      alongside();
      database.afterCommit(() => said.push(VenueEvent.parse(event)));
    });
  const venue = new VenueMarket({ file, position, say, speed: 1, clock, log, signal: stop.signal });
  return { venue, stop, position, database, said };
}

/** All events of a file. */
async function everything(file: string) {
  const { venue, said } = await open({ file });
  await venue.play();
  return { events: said, venue };
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
  test('every event is said, numbered from 1', async () => {
    const { events, venue } = await everything(write(linesOf()));
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      events.map((_, index) => index + 1),
    );
    assert.deepEqual(new Set(events.map(({ kind }) => kind)), new Set(['snapshot', 'book', 'trade']));
    assert.deepEqual(venue.status, {
      symbol: 'BTCUSDT.BINANCE',
      state: 'ended',
      sequence: events.length,
      gaps: 0,
    });
  });

  test('what stands in for the events so far is the book that they make, at any time', async () => {
    const lines = linesOf({ diffs: 25, lost: new Set([8]), snapshotTaken: 12 });
    const clock = new HeldClock();
    const { venue, stop, said } = await open({ file: write(lines), clock });
    assert.deepEqual([venue.present], [undefined]);
    const playing = venue.play();
    const kinds = new Set<string>();
    for (let step = 0; step < lines.length - 1; step++) {
      await clock.step();
      const { present } = venue;
      if (!present) continue;
      await waitFor(() => said.at(-1)?.sequence === present.sequence);
      assert.deepEqual(fold([present]), fold(said));
      kinds.add(present.kind);
    }
    await playing;
    assert.deepEqual(kinds, new Set(['snapshot', 'gap']));
    assert.deepEqual(fold([venue.present!]), fold(said), 'also after the end');
    stop.abort();
  });

  test('an event that cannot be said ends the playing', async () => {
    const { database, position } = await open({ file: write(linesOf()) });
    const log = silentLogger;
    const say = () => database.write(() => assert.fail('the disk is full'));
    const signal = new AbortController().signal;
    const venue = new VenueMarket({
      file: write(linesOf()),
      position,
      say,
      speed: 1,
      clock: hurried,
      log,
      signal,
    });
    await assert.rejects(venue.play(), /the disk is full/);
  });

  test('an abort ends the playing, and how far it was is stored', async () => {
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
    const { venue, stop, said } = await open({ file: write(lines), clock });
    assert.equal(venue.mid, undefined);
    const playing = venue.play();
    let compared = 0;
    for (let step = 1; step < lines.length; step++) {
      await clock.step();
      await waitFor(() => (said.at(-1)?.sequence ?? 0) === venue.status.sequence);
      const book = fold(said)?.map((level) => level.split(' '));
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

    const again = await open({ file, clock: new HeldClock(), database });
    assert.equal(again.venue.mid, undefined);
    assert.deepEqual([again.venue.present], [undefined]);
    const playingAgain = again.venue.play();
    await waitFor(() => again.venue.status.state === 'gap');
    assert.deepEqual(again.venue.status, before);
    assert.equal(again.venue.mid, undefined);
    assert.equal(again.venue.present?.kind, 'gap');
    again.stop.abort();
    await playingAgain;
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
  test('wherever it stopped, nothing is said twice or left out', async () => {
    const lines = linesOf({ diffs: 20, lost: new Set([8]), snapshotTaken: 12 });
    const file = write(lines);
    const { events } = await everything(file);
    for (let stored = 0; stored < events.length; stored += 5) {
      const database = feedsDatabase();
      const position = await ReplayPosition.open(database, file);
      await database.write(() => position.write({ sequence: stored, gaps: 0 }, false));
      const { venue, said } = await open({ file, database });
      await venue.play();
      assert.equal(venue.status.sequence, events.length);
      assert.deepEqual(said.map(contents), events.slice(stored).map(contents));
    }
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

  test('it is in the status and the log with file and line, and one gap event says so', async () => {
    const file = write(damaged);
    const errors: { message: string; fields: unknown }[] = [];
    const log = {
      ...silentLogger,
      error: (message: string, fields?: object) => errors.push({ message, fields }),
    };
    const { venue, said } = await open({ file, log });
    await venue.play();
    const { state, reason, sequence } = venue.status;
    assert.equal(state, 'damaged');
    assert.match(reason!, /line 41: the text after the time is not JSON/);
    assert.ok(reason!.includes(file));
    assert.equal(venue.mid, undefined);
    assert.equal(errors.length, 1);
    assert.match(errors[0]!.message, /the recording is damaged: .*line 41/);
    assert.deepEqual(errors[0]!.fields, { file, line: 41 });
    assert.equal(said.filter(({ kind }) => kind === 'gap').length, 1);
    assert.deepEqual([said.at(-1)!.kind, said.at(-1)!.sequence], ['gap', sequence]);
    assert.deepEqual(venue.present, said.at(-1));
  });

  test('all events before it are out, and are those of a sound recording', async () => {
    const { events } = await everything(write(sound.slice(0, 40)));
    const broken = await everything(write(damaged));
    assert.deepEqual(broken.events.slice(0, -1).map(contents), events.map(contents));
  });

  test('a process that ended between the last event and the damage meets it again', async () => {
    const file = write(damaged);
    const { events } = await everything(file);
    for (const stored of [events.length - 1, events.length - 3, 0]) {
      const database = feedsDatabase();
      const position = await ReplayPosition.open(database, file);
      await database.write(() => position.write({ sequence: stored, gaps: 0 }, false));
      const { venue, said } = await open({ file, database });
      await venue.play();
      assert.equal(venue.status.sequence, events.length);
      assert.deepEqual(said.map(contents), events.slice(stored).map(contents));
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
    const { venue, said } = await open({ file: write(['nonsense', ...sound]) });
    await venue.play();
    assert.deepEqual(
      said.map(({ kind, sequence }) => [kind, sequence]),
      [['gap', 1]],
    );
    assert.match(venue.status.reason!, /line 1/);
  });
});
