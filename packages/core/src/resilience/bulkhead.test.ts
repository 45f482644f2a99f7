import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bulkhead } from './bulkhead.ts';

test('as many enter as may, the next wait, and those beyond the queue are refused', () => {
  const bulkhead = new Bulkhead<string>({ concurrency: 2, queue: 1 });
  assert.deepEqual([bulkhead.tryEnter(), bulkhead.tryEnter(), bulkhead.tryEnter()], [true, true, false]);
  assert.deepEqual([bulkhead.enqueue('c'), bulkhead.enqueue('d')], [true, false]);
  assert.equal(bulkhead.leave(), 'c');
  assert.deepEqual([bulkhead.active, bulkhead.waiting], [2, 0]);
  assert.equal(bulkhead.leave(), undefined);
  assert.equal(bulkhead.active, 1);
});

test('one who gave up is not let in', () => {
  const bulkhead = new Bulkhead<string>({ concurrency: 1, queue: 9 });
  bulkhead.tryEnter();
  for (const waiter of ['b', 'c', 'd']) bulkhead.enqueue(waiter);
  assert.equal(bulkhead.remove('c'), true);
  assert.equal(bulkhead.remove('c'), false);
  assert.deepEqual([bulkhead.leave(), bulkhead.leave(), bulkhead.leave()], ['b', 'd', undefined]);
  assert.equal(bulkhead.remove('b'), false);
});

test('a newcomer does not overtake those who wait when there is more room all of a sudden', () => {
  const bulkhead = new Bulkhead<string>({ concurrency: 1, queue: 9 });
  bulkhead.tryEnter();
  bulkhead.enqueue('b');
  bulkhead.policy = { concurrency: 3, queue: 9 };
  assert.equal(bulkhead.tryEnter(), false);
  assert.equal(bulkhead.next(), 'b');
  assert.equal(bulkhead.next(), undefined);
  assert.equal(bulkhead.tryEnter(), true);
});

test('with less room than before nobody is let in until enough have left', () => {
  const bulkhead = new Bulkhead<string>({ concurrency: 3, queue: 9 });
  for (let n = 0; n < 3; n++) bulkhead.tryEnter();
  bulkhead.enqueue('d');
  bulkhead.policy = { concurrency: 1, queue: 9 };
  assert.deepEqual([bulkhead.leave(), bulkhead.leave(), bulkhead.leave()], [undefined, undefined, 'd']);
});

test('a queue that is never empty keeps its order', () => {
  const bulkhead = new Bulkhead<number>({ concurrency: 1, queue: 2_000 });
  bulkhead.tryEnter();
  let last = 0;
  while (last < 1_500) bulkhead.enqueue(last++);
  for (let expected = 0; expected < 10_000; expected++) {
    assert.equal(bulkhead.leave(), expected);
    bulkhead.enqueue(last++);
    assert.equal(bulkhead.waiting, 1_500);
  }
});

test('never are more inside or waiting than may, and who waits longest goes first', () => {
  const step = fc.oneof(
    fc.constant('arrive' as const),
    fc.constant('leave' as const),
    fc.nat().map((which) => ({ givesUp: which })),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 5 }),
      fc.array(step, { maxLength: 200 }),
      (concurrency, queue, steps) => {
        const bulkhead = new Bulkhead<number>({ concurrency, queue });
        const expected: number[] = [];
        let inside = 0;
        let lastId = 0;
        for (const one of steps) {
          if (one === 'arrive') {
            const id = ++lastId;
            if (bulkhead.tryEnter()) inside++;
            else if (bulkhead.enqueue(id)) expected.push(id);
            else assert.equal(expected.length, queue);
          } else if (one === 'leave') {
            if (inside === 0) continue;
            const next = bulkhead.leave();
            assert.equal(next, expected.shift());
            if (next === undefined) inside--;
          } else if (expected.length > 0) {
            const [id] = expected.splice(one.givesUp % expected.length, 1);
            assert.ok(bulkhead.remove(id!));
          }
          assert.deepEqual([bulkhead.active, bulkhead.waiting], [inside, expected.length]);
          assert.ok(inside <= concurrency && expected.length <= queue);
          assert.ok(expected.length === 0 || inside === concurrency, 'waits although there is room');
        }
      },
    ),
  );
});
