import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketMs, RollingCounts } from './rolling-counts.ts';

test('the window holds what was added in it and forgets the rest', () => {
  const counts = new RollingCounts(1, 1_000);
  counts.add(0, 0);
  counts.add(950, 0);
  assert.equal(counts.sum(999, 0), 2);
  assert.equal(counts.sum(1_000, 0), 1);
  assert.equal(counts.sum(1_950, 0), 0);
});

test('a window with too few calls reaches back as far as it needs, bucket by bucket, and no further than is kept', () => {
  const counts = new RollingCounts(2, 1_000, 10_000);
  for (let second = 1; second <= 12; second++) {
    counts.add(second * 1_000, 0);
    if (second === 10) counts.add(second * 1_000, 1);
  }
  assert.deepEqual([...counts.reachBack(12_000, 1)], [1, 0]);
  assert.deepEqual([...counts.reachBack(12_000, 3)], [3, 1]);
  assert.deepEqual([...counts.reachBack(12_000, 99)], [10, 1]);
});

test('what a column has counted can be taken back, in the window and before it', () => {
  const counts = new RollingCounts(3, 1_000, 10_000);
  for (const now of [1_000, 5_000, 9_500]) for (const column of [0, 0, 0, 1, 2]) counts.add(now, column);
  counts.takeBack(1);
  assert.deepEqual([...counts.reachBack(9_500, 1)], [2, 0, 1]);
  assert.deepEqual([...counts.reachBack(9_500, 99)], [6, 0, 3]);
  assert.equal(counts.sum(20_000, 0), 0);
});

test('a clock that goes back does not disturb it', () => {
  const counts = new RollingCounts(1, 1_000);
  counts.add(5_000, 0);
  counts.add(4_000, 0);
  assert.equal(counts.sum(4_000, 0), 2);
});

test('sums are those of a list of all events, whatever the pattern of calls', () => {
  const event = fc.record({
    after: fc.integer({ min: 0, max: 3_000 }),
    column: fc.integer({ min: 0, max: 1 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), fc.integer({ min: 0, max: 12 }), (events, least) => {
      const counts = new RollingCounts(2, 700, 2_500);
      const log: { tick: number; column: number }[] = [];
      let now = 0;
      for (const { after, column } of events) {
        now += after;
        counts.add(now, column);
        log.push({ tick: Math.floor(now / bucketMs), column });
        const within = (buckets: number) => {
          const since = Math.floor(now / bucketMs) - buckets;
          return [0, 1].map(
            (wanted) => log.filter((one) => one.tick > since && one.column === wanted).length,
          );
        };
        assert.deepEqual([counts.sum(now, 0), counts.sum(now, 1)], within(7));
        let buckets = 7;
        while (buckets < 25 && within(buckets)[0]! < least) buckets++;
        assert.deepEqual([...counts.reachBack(now, least)], within(buckets));
      }
    }),
  );
});
