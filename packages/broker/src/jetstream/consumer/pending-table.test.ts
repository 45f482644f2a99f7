import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PendingTable } from './pending-table.ts';

function sequencesOf(table: PendingTable): number[] {
  return [...table].map(({ sequence }) => sequence);
}

test('keeps the order of the stream and the earliest deadline, as a sorted list would', () => {
  const sequence = fc.integer({ min: 1, max: 30 });
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'remove', 'touch', 'stop'),
    sequence,
    deadline: fc.nat({ max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new PendingTable();
      const naive = new Map<number, number>();
      for (const { kind, sequence, deadline } of steps) {
        if (kind === 'add' && !naive.has(sequence)) {
          table.add(sequence, sequence + 100, deadline - 5, deadline);
          naive.set(sequence, deadline);
        } else if (kind === 'remove') {
          assert.equal(table.remove(sequence), naive.delete(sequence));
        } else if (kind === 'touch') {
          table.touch(sequence, deadline - 5, deadline);
          if (naive.has(sequence)) naive.set(sequence, deadline);
        } else if (kind === 'stop') {
          table.stopClock(sequence);
          if (naive.has(sequence)) naive.set(sequence, Number.POSITIVE_INFINITY);
        }
        assert.deepEqual(
          sequencesOf(table),
          [...naive.keys()].sort((a, b) => a - b),
        );
        assert.equal(table.deadline, Math.min(...naive.values()));
        assert.equal(table.consumerSequenceOf(sequence), naive.has(sequence) ? sequence + 100 : 0);
      }
    }),
  );
});

test('a message whose deadline has come is taken out of the clock and stays pending', () => {
  const table = new PendingTable();
  table.add(1, 1, 0, 10);
  table.add(2, 2, 0, 20);
  assert.deepEqual([table.expire(9), table.expire(20), table.expire(20), table.expire(20)], [0, 1, 2, 0]);
  assert.deepEqual([table.size, table.deadline], [2, Number.POSITIVE_INFINITY]);
});

test('tells the store what it does not know yet, and nothing of what came and went in between', () => {
  const table = new PendingTable();
  const take = (): readonly [number[], number[]] => {
    const changed: number[] = [];
    const gone: number[] = [];
    table.changes(
      ({ sequence }) => changed.push(sequence),
      (sequence) => gone.push(sequence),
    );
    return [changed, gone];
  };
  for (const sequence of [1, 2, 3]) table.add(sequence, sequence, 0, 10);
  table.remove(2);
  assert.deepEqual(take(), [[1, 3], []]);
  assert.deepEqual(take(), [[], []]);
  table.touch(3, 5, 20);
  table.remove(1);
  assert.deepEqual(take(), [[3], [1]]);
  table.add(4, 4, 0, 10);
  table.markStored(4);
  table.remove(4);
  table.add(4, 5, 0, 10);
  assert.deepEqual(take(), [[4], []]);
});

test('slots are used again, so that memory follows what is pending and not what was delivered', () => {
  const table = new PendingTable();
  for (let sequence = 1; sequence <= 100_000; sequence++) {
    table.add(sequence, sequence, sequence, sequence + 10);
    if (sequence > 100) table.remove(sequence - 100);
  }
  assert.deepEqual([table.size, table.lowest], [100, 99_901]);
});
