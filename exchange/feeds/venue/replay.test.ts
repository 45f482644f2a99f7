import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import fc from 'fast-check';
import { RecordingError } from './recording-error.ts';
import { type MarketEvent, Replay, type ReplayClock, type ReplayOptions } from './replay.ts';
import {
  recordingBytes,
  type SyntheticOptions,
  type SyntheticState,
  syntheticRecording,
} from './synthetic-recording.ts';

let folder: string;
let files = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

async function write(lines: readonly string[]): Promise<string> {
  const file = join(folder, `${files++}.gz`);
  await writeFile(file, recordingBytes(lines));
  return file;
}

function synthetic(seed: number, options: Omit<SyntheticOptions, 'seed'> = {}) {
  return syntheticRecording({ seed, ...options });
}

/** A clock that only moves when somebody sleeps. */
class VirtualClock implements ReplayClock {
  time = 5_000;
  sleeps = 0;

  now(): number {
    return this.time;
  }

  async sleep(ms: number): Promise<void> {
    assert.ok(ms > 0);
    this.sleeps++;
    this.time += ms;
  }
}

async function play(file: string, options: Omit<ReplayOptions, 'clock'> = {}): Promise<MarketEvent[]> {
  const replay = new Replay(file, { clock: new VirtualClock(), ...options });
  const events: MarketEvent[] = [];
  for await (const event of replay.events()) events.push(event);
  return events;
}

/** What a consumer does: fold the events into a book. */
class Folded {
  bids = new Map<number, number>();
  asks = new Map<number, number>();

  take(event: MarketEvent): void {
    if (event.kind === 'snapshot') {
      this.bids = new Map(event.bids);
      this.asks = new Map(event.asks);
    }
    if (event.kind !== 'book') return;
    for (const [side, levels] of [
      [this.bids, event.bids],
      [this.asks, event.asks],
    ] as const) {
      for (const [price, quantity] of levels) {
        assert.notEqual(side.get(price) ?? 0, quantity, 'an event repeats what is already so');
        if (quantity === 0) side.delete(price);
        else side.set(price, quantity);
      }
    }
  }

  equals(state: SyntheticState): void {
    assert.deepEqual(new Map([...this.bids].sort()), new Map([...state.bids].sort()));
    assert.deepEqual(new Map([...this.asks].sort()), new Map([...state.asks].sort()));
  }
}

test('sequences have no gap, and snapshot plus book events add up to the true book', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.nat({ max: 10 }),
      fc.nat({ max: 5 }),
      async (seed, snapshotTaken, snapshotDelay) => {
        const recording = synthetic(seed, { snapshotTaken, snapshotDelay });
        const folded = new Folded();
        let sequence = 0;
        let whole = false;
        for (const event of await play(await write(recording.lines))) {
          assert.equal(event.sequence, ++sequence);
          folded.take(event);
          if (event.kind === 'snapshot') whole = event.status === 'whole';
          if (!whole || event.kind === 'trade' || event.kind === 'gap') continue;
          folded.equals(recording.states.find(({ finalId }) => finalId === event.updateId)!);
        }
        assert.ok(whole);
      },
    ),
    { numRuns: 50 },
  );
});

test('a replay that begins after any sequence continues with exactly the events that were left', async () => {
  const recording = synthetic(11, { snapshotTaken: 12, lost: new Set([20]) });
  const file = await write(recording.lines);
  const all = await play(file);
  for (let done = 0; done <= all.length + 1; done += 3) {
    assert.deepEqual(await play(file, { after: done }), all.slice(done));
  }
  assert.deepEqual(await play(file, { speed: 250 }), all);
});

test('after fast-forwarding, the book can be read as of the last sequence', async () => {
  const file = await write(synthetic(4).lines);
  const all = await play(file);
  const folded = new Folded();
  for (const event of all.slice(0, 60)) folded.take(event);
  const replay = new Replay(file, { clock: new VirtualClock(), after: 59 });
  for await (const event of replay.events()) {
    assert.equal(event.sequence, 60);
    assert.equal(replay.position.sequence, 60);
    assert.deepEqual(new Map(replay.levels().bids.toSorted()), new Map([...folded.bids].sort()));
    assert.equal(replay.levels(3).asks.length, 3);
    break;
  }
});

test('events come at the recorded distances, divided by the speed', async () => {
  const file = await write(synthetic(2).lines);
  for (const speed of [1, 4, 0.5]) {
    const clock = new VirtualClock();
    let first: number | undefined;
    for await (const event of new Replay(file, { clock, speed }).events()) {
      first ??= event.time;
      const expected = 5_000 + (event.time - first) / speed;
      // Event times are whole milliseconds, the pace is that of the microseconds recorded.
      assert.ok(Math.abs(clock.time - expected) <= 25 / speed, `${clock.time} instead of ${expected}`);
    }
    assert.ok(clock.sleeps > 10);
  }
});

test('without limit of speed nothing waits, and neither does what is fast-forwarded', async () => {
  const file = await write(synthetic(2).lines);
  const clock = new VirtualClock();
  for await (const _ of new Replay(file, { clock, speed: Number.POSITIVE_INFINITY }).events());
  assert.equal(clock.sleeps, 0);

  const all = await play(file);
  const later = new VirtualClock();
  for await (const _ of new Replay(file, { clock: later, after: all.length - 1 }).events());
  const last = all.at(-1)!.time - all.at(-2)!.time;
  assert.ok(later.time - 5_000 <= last + 60, `waited ${later.time - 5_000} ms for an event ${last} ms away`);
});

test('a lost diff becomes a gap event, and the market comes back with a snapshot event', async () => {
  const recording = synthetic(3, { lost: new Set([10]), snapshotTaken: 20, snapshotDelay: 2 });
  const events = (await play(await write(recording.lines))).filter(({ kind }) => kind !== 'trade');
  const gap = events.findIndex(({ kind }) => kind === 'gap');
  assert.ok(gap > 0);
  assert.equal(events.slice(0, gap).filter(({ kind }) => kind === 'snapshot').length, 1);
  const back = events[gap + 1];
  assert.ok(
    back?.kind === 'snapshot' && back.status === 'whole',
    'something else came between gap and snapshot',
  );
  assert.equal(
    events.slice(gap + 2).every(({ kind }) => kind === 'book'),
    true,
  );

  const never = synthetic(3, { lost: new Set([10]), snapshotTaken: undefined });
  const kinds = (await play(await write(never.lines))).map(({ kind }) => kind);
  assert.deepEqual(new Set(kinds.slice(kinds.indexOf('gap') + 1)), new Set(['trade']));
});

test('an abort ends the replay at once and without an error, in the middle of a wait too', async () => {
  const file = await write(synthetic(2).lines);
  const abort = new AbortController();
  const clock: ReplayClock = {
    now: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve(), { once: true });
        setImmediate(() => abort.abort());
      }),
  };
  const seen: MarketEvent[] = [];
  for await (const event of new Replay(file, { clock, signal: abort.signal }).events()) seen.push(event);
  assert.ok(abort.signal.aborted && seen.length <= 1);
});

test('damage ends the replay with an error, after all events before it', async () => {
  const { lines } = synthetic(2);
  const sound = await play(await write(lines.slice(0, 50)));
  const file = await write([...lines.slice(0, 50), 'nonsense', ...lines.slice(50)]);
  const seen: MarketEvent[] = [];
  await assert.rejects(
    async () => {
      for await (const event of new Replay(file, { clock: new VirtualClock() }).events()) seen.push(event);
    },
    (error: unknown) => error instanceof RecordingError && error.line === 51,
  );
  assert.deepEqual(seen, sound);
});

test('a speed or position that makes no sense is refused', () => {
  const clock = new VirtualClock();
  for (const speed of [0, -1, Number.NaN]) assert.throws(() => new Replay('x', { clock, speed }), RangeError);
  for (const position of [-1, 0.5, Number.NaN]) {
    assert.throws(() => new Replay('x', { clock, after: position }), RangeError);
  }
});
