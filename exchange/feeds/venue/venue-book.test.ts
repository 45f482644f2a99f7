import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type BookTicker, type DepthDiff, type DepthSnapshot, type Level, parseLine } from './message.ts';
import { type SyntheticRecording, type SyntheticState, syntheticRecording } from './synthetic-recording.ts';
import { VenueBook } from './venue-book.ts';

const scale = { priceDecimals: 2, quantityDecimals: 8 };
const received = { line: 1, receivedNs: 1_723_161_600_000_000_000n };

function diff(firstId: number, finalId: number, bids: Level[] = [], asks: Level[] = []): DepthDiff {
  return { kind: 'diff', ...received, firstId, finalId, bids, asks };
}

function snapshot(lastUpdateId: number, bids: Level[], asks: Level[]): DepthSnapshot {
  return { kind: 'snapshot', ...received, lastUpdateId, bids, asks };
}

function ticker(updateId: number, bid: Level, ask: Level): BookTicker {
  return { kind: 'ticker', ...received, updateId, bid, ask };
}

function messages(recording: SyntheticRecording) {
  return recording.lines.map((line, index) => parseLine(line, index + 1, scale).message);
}

function sameLevels(levels: Level[], truth: ReadonlyMap<number, number>, direction: 1 | -1): void {
  const expected = [...truth].sort((one, other) => (one[0] - other[0]) * direction);
  assert.deepEqual(levels, expected);
}

function sameBook(book: VenueBook, state: SyntheticState): void {
  sameLevels(book.bids.levels(), state.bids, -1);
  sameLevels(book.asks.levels(), state.asks, 1);
}

test('the snapshot is continued with exactly the diffs that it does not contain', () => {
  const book = new VenueBook({ requireSnapshot: true });
  assert.deepEqual(book.apply(diff(10, 12, [[100, 5]])), []);
  assert.deepEqual(book.apply(diff(13, 15, [[101, 7]])), []);
  assert.deepEqual(book.apply(diff(16, 18, [[100, 9]])), []);
  assert.equal(book.status, 'waiting');
  const outputs = book.apply(
    snapshot(
      14,
      [
        [101, 7],
        [99, 1],
      ],
      [[102, 3]],
    ),
  );
  assert.deepEqual(outputs, [{ kind: 'synchronised', updateId: 18 }]);
  assert.equal(book.status, 'whole');
  assert.deepEqual(book.bids.levels(), [
    [101, 7],
    [100, 9],
    [99, 1],
  ]);
  assert.deepEqual(book.apply(diff(19, 19, [[101, 0]])), [
    { kind: 'changed', updateId: 19, bids: [[101, 0]], asks: [] },
  ]);
});

test('a snapshot newer than all diffs so far replaces what they said', () => {
  const book = new VenueBook();
  book.apply(diff(10, 12, [[100, 5]], [[101, 5]]));
  book.apply(snapshot(14, [[99, 1]], [[102, 3]]));
  assert.deepEqual([book.updateId, book.bids.levels(), book.asks.levels()], [14, [[99, 1]], [[102, 3]]]);
  assert.equal(book.apply(diff(15, 15, [[100, 2]]))[0]?.kind, 'changed');
});

test('a snapshot from before the first diff kept is refused, and a newer one taken', () => {
  const book = new VenueBook({ requireSnapshot: true });
  book.apply(diff(10, 12, [[100, 5]]));
  const old = book.apply(snapshot(8, [[90, 1]], [[110, 1]]));
  assert.deepEqual(old, [{ kind: 'snapshot-too-old', lastUpdateId: 8, firstId: 10 }]);
  assert.equal(book.status, 'waiting');
  assert.deepEqual(book.apply(snapshot(9, [[90, 1]], [[110, 1]])), [{ kind: 'synchronised', updateId: 12 }]);
  assert.equal(book.bids.bestPrice, 100);
});

test('a diff that is already contained is dropped', () => {
  const book = new VenueBook();
  book.apply(snapshot(20, [[100, 1]], [[101, 1]]));
  assert.deepEqual(book.apply(diff(15, 20, [[100, 0]])), []);
  assert.equal(book.bids.quantityAt(100), 1);
});

test('a lost diff is reported once, the book is stale and unchanged until a snapshot bridges the loss', () => {
  const book = new VenueBook();
  book.apply(snapshot(20, [[100, 1]], [[101, 1]]));
  assert.deepEqual(book.apply(diff(23, 25, [[100, 0]])), [{ kind: 'gap', expectedId: 21, receivedId: 23 }]);
  assert.equal(book.status, 'stale');
  assert.equal(book.isLive, false);
  assert.deepEqual(book.apply(diff(26, 26, [[99, 4]])), []);
  assert.deepEqual(book.apply(ticker(26, [99, 4], [101, 1])), []);
  assert.deepEqual([book.updateId, book.bids.levels()], [20, [[100, 1]]]);

  assert.equal(book.apply(snapshot(21, [[100, 1]], [[101, 1]]))[0]?.kind, 'snapshot-too-old');
  assert.equal(book.status, 'stale');
  assert.deepEqual(book.apply(snapshot(25, [[98, 2]], [[101, 1]])), [{ kind: 'synchronised', updateId: 26 }]);
  assert.deepEqual(book.bids.levels(), [
    [99, 4],
    [98, 2],
  ]);
});

test('a second loss while stale restarts the wait, so that the snapshot is never continued across it', () => {
  const book = new VenueBook();
  book.apply(snapshot(20, [[100, 1]], [[101, 1]]));
  book.apply(diff(23, 25, [[100, 0]]));
  assert.deepEqual(book.apply(diff(30, 31)), [{ kind: 'gap', expectedId: 26, receivedId: 30 }]);
  assert.equal(book.apply(snapshot(25, [[98, 2]], [[101, 1]]))[0]?.kind, 'snapshot-too-old');
  assert.equal(book.apply(snapshot(29, [[98, 2]], [[101, 1]]))[0]?.kind, 'synchronised');
});

test('without a snapshot a ticker tells a level that no diff has named', () => {
  const book = new VenueBook();
  book.apply(diff(10, 10, [[95, 1]], [[101, 1]]));
  assert.equal(book.status, 'partial');
  book.apply(ticker(12, [100, 7], [101, 1]));
  assert.equal(book.bids.bestPrice, 95, 'a ticker of a later update waits for the diff that contains it');
  assert.deepEqual(book.apply(diff(11, 13, [[94, 2]])), [
    {
      kind: 'changed',
      updateId: 13,
      bids: [
        [94, 2],
        [100, 7],
      ],
      asks: [],
    },
  ]);
  assert.equal(book.isLearned('bid', 100), true);
  assert.deepEqual(book.apply(ticker(13, [100, 7], [101, 1])), []);
});

test('a late ticker tells an unknown level at once', () => {
  const book = new VenueBook();
  book.apply(diff(10, 13, [[95, 1]], [[101, 1]]));
  assert.deepEqual(book.apply(ticker(12, [100, 7], [101, 1])), [
    { kind: 'changed', updateId: 13, bids: [[100, 7]], asks: [] },
  ]);
});

test('a ticker from before the first diff tells nothing', () => {
  const book = new VenueBook();
  book.apply(ticker(7, [100, 7], [101, 1]));
  book.apply(diff(10, 13, [[95, 1]], [[103, 1]]));
  assert.deepEqual([book.bids.levels(), book.asks.levels()], [[[95, 1]], [[103, 1]]]);
});

test('a ticker never corrects a level that a diff or the snapshot has told', () => {
  const book = new VenueBook();
  book.apply(snapshot(20, [[100, 1]], [[101, 1]]));
  assert.deepEqual(book.apply(ticker(20, [100, 5], [101, 9])), []);
  book.apply(diff(21, 21, [[100, 0]]));
  assert.deepEqual(book.apply(ticker(21, [100, 5], [101, 9])), []);
  assert.deepEqual([book.bids.size, book.asks.quantityAt(101)], [0, 1]);
});

test('a consumer that applies diffs and snapshot as they come ends up with a crossed book, this one never', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const book = new VenueBook();
      for (const message of messages(syntheticRecording({ seed, snapshotTaken: 3, snapshotDelay: 8 }))) {
        book.apply(message);
        const [bid, ask] = [book.bids.bestPrice, book.asks.bestPrice];
        assert.ok(bid === undefined || ask === undefined || bid < ask);
      }
    }),
    { numRuns: 50 },
  );

  let crossed = 0;
  for (let seed = 0; seed < 50; seed++) {
    const [bids, asks] = [new Map<number, number>(), new Map<number, number>()];
    const write = (side: Map<number, number>, levels: readonly Level[]) => {
      for (const [price, quantity] of levels) quantity === 0 ? side.delete(price) : side.set(price, quantity);
    };
    for (const message of messages(syntheticRecording({ seed, snapshotTaken: 3, snapshotDelay: 8 }))) {
      if (message.kind !== 'diff' && message.kind !== 'snapshot') continue;
      write(bids, message.bids);
      write(asks, message.asks);
      if (Math.max(...bids.keys()) >= Math.min(...asks.keys())) {
        crossed++;
        break;
      }
    }
  }
  assert.ok(crossed > 0, 'the recordings of this test are too tame to show the mistake');
});

test('with a snapshot the whole book equals the true one after every diff', () => {
  const delays = fc.record({ snapshotTaken: fc.nat({ max: 12 }), snapshotDelay: fc.nat({ max: 6 }) });
  fc.assert(
    fc.property(fc.nat(), delays, fc.boolean(), fc.boolean(), (seed, delay, lateTickers, requireSnapshot) => {
      const recording = syntheticRecording({ seed, lateTickers, ...delay });
      const book = new VenueBook({ requireSnapshot });
      let compared = 0;
      for (const message of messages(recording)) {
        book.apply(message);
        if (book.status !== 'whole' || (message.kind !== 'diff' && message.kind !== 'snapshot')) continue;
        sameBook(book, recording.states.find((state) => state.finalId === book.updateId)!);
        compared++;
      }
      assert.equal(book.updateId, recording.states.at(-1)!.finalId);
      assert.ok(compared >= 40 - delay.snapshotTaken - delay.snapshotDelay);
    }),
  );
});

test('without a snapshot every level is a true one, and the best is right once a ticker was received', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const recording = syntheticRecording({ seed, snapshotTaken: undefined });
      const book = new VenueBook();
      for (const message of messages(recording)) {
        book.apply(message);
        if (message.kind !== 'diff') continue;
        const state = recording.states.find(({ finalId }) => finalId === message.finalId)!;
        for (const [price, quantity] of book.bids.levels()) assert.equal(state.bids.get(price), quantity);
        for (const [price, quantity] of book.asks.levels()) assert.equal(state.asks.get(price), quantity);
        if (recording.firstTickerId === undefined || recording.firstTickerId > message.finalId) continue;
        assert.equal(book.bids.bestPrice, Math.max(...state.bids.keys()));
        assert.equal(book.asks.bestPrice, Math.min(...state.asks.keys()));
      }
    }),
  );
});

test('after any loss of diffs the book is stale or equal to the true one, never quietly wrong', () => {
  const options = fc.record({
    lost: fc.uniqueArray(fc.nat({ max: 39 }), { minLength: 1, maxLength: 4 }),
    snapshotTaken: fc.nat({ max: 35 }),
  });
  fc.assert(
    fc.property(fc.nat(), options, (seed, { lost, snapshotTaken }) => {
      const recording = syntheticRecording({ seed, lost: new Set(lost), snapshotTaken });
      const book = new VenueBook({ requireSnapshot: true });
      for (const message of messages(recording)) {
        book.apply(message);
        if (!book.isLive) continue;
        const state = recording.states.find(({ finalId }) => finalId === book.updateId);
        if (state) sameBook(book, state);
      }
    }),
  );
});
