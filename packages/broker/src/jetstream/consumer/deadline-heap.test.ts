import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadlineHeap } from './deadline-heap.ts';

test('the earliest deadline comes first, however deadlines are set, moved and dropped', () => {
  const slot = fc.nat({ max: 40 });
  const step = fc.oneof(
    fc.record({ slot, deadline: fc.nat({ max: 100 }) }),
    fc.record({ slot, deadline: fc.constant(undefined) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const heap = new DeadlineHeap();
      const naive = new Map<number, number>();
      for (const { slot, deadline } of steps) {
        if (deadline === undefined) {
          heap.drop(slot);
          naive.delete(slot);
        } else {
          heap.set(slot, deadline);
          naive.set(slot, deadline);
        }
        assert.equal(heap.size, naive.size);
        assert.equal(heap.has(slot), naive.has(slot));
        assert.equal(heap.earliest, Math.min(...naive.values()));
        assert.equal(naive.get(heap.first) ?? heap.earliest, heap.earliest);
      }
      const drained: number[] = [];
      while (heap.size > 0) {
        drained.push(heap.earliest);
        heap.drop(heap.first);
      }
      assert.deepEqual(
        drained,
        [...naive.values()].sort((a, b) => a - b),
      );
    }),
  );
});

test('an empty heap has no first slot and no deadline', () => {
  const heap = new DeadlineHeap();
  heap.drop(3);
  assert.deepEqual([heap.first, heap.earliest, heap.has(1_000)], [-1, Number.POSITIVE_INFINITY, false]);
});
