import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PartitionWindow } from './partition-window.ts';

describe('the checkpoint of a partition', () => {
  it('moves over what has ended in order', () => {
    const window = new PartitionWindow(10);
    for (const sequence of [12, 15, 16]) window.take(sequence, sequence * 10);
    assert.equal(window.end(12), 1);
    assert.equal(window.checkpoint, 12);
    assert.deepEqual([window.size, window.open, window.oldestTime], [2, 2, 150]);
  });

  it('waits for the oldest, and then moves over all behind it', () => {
    const window = new PartitionWindow(0);
    for (const sequence of [1, 2, 3, 4]) window.take(sequence, sequence);
    assert.equal(window.end(2), 0);
    assert.equal(window.end(3), 0);
    assert.deepEqual([window.checkpoint, window.size, window.open], [0, 4, 2]);
    assert.equal(window.end(1), 3);
    assert.deepEqual([window.checkpoint, window.size, window.open, window.oldestTime], [3, 1, 1, 4]);
  });

  it('is always the last one that has ended with all before it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3_000 }),
        fc.infiniteStream(fc.nat()),
        (gaps, choices) => {
          const window = new PartitionWindow(0);
          const ended = new Set<number>();
          const open: number[] = [];
          const all: number[] = [];
          let last = 0;
          const endOne = (): void => {
            const [sequence] = open.splice((choices.next().value ?? 0) % open.length, 1);
            ended.add(sequence!);
            window.end(sequence!);
            const firstOpen = all.findIndex((each) => !ended.has(each));
            const expected = firstOpen < 0 ? last : (all[firstOpen - 1] ?? 0);
            assert.equal(window.checkpoint, expected);
          };
          for (const gap of gaps) {
            last += gap;
            window.take(last, 0);
            all.push(last);
            open.push(last);
            while (window.size >= 64) endOne();
          }
          while (open.length > 0) endOne();
          assert.equal(window.checkpoint, last);
          assert.equal(window.size, 0);
        },
      ),
      { numRuns: 20 },
    );
  });
});
