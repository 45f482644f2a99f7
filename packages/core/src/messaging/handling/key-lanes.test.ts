import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeyLanes } from './key-lanes.ts';

describe('lanes of keys', () => {
  it('let different keys go beside each other', () => {
    const lanes = new KeyLanes();
    assert.equal(lanes.enter({ key: 'a' }), true);
    assert.equal(lanes.enter({ key: 'b' }), true);
    assert.deepEqual([lanes.active, lanes.waiting], [2, 0]);
  });

  it('keep messages without a key in one order', () => {
    const lanes = new KeyLanes();
    assert.equal(lanes.enter({ key: undefined }), true);
    assert.equal(lanes.enter({ key: undefined }), false);
  });

  it('handle one of a key at a time, in order, and all of them', () => {
    const arbitrary = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c', undefined) }));
    fc.assert(
      fc.property(arbitrary, fc.infiniteStream(fc.nat()), (items, choices) => {
        const lanes = new KeyLanes<{ key: string | undefined; at: number }>();
        const running: { key: string | undefined; at: number }[] = [];
        const done: { key: string | undefined; at: number }[] = [];
        const begin = (item: { key: string | undefined; at: number }): void => {
          assert.ok(!running.some(({ key }) => key === item.key), 'two of a key at once');
          running.push(item);
        };
        const endOne = (): void => {
          const [item] = running.splice((choices.next().value ?? 0) % running.length, 1);
          done.push(item!);
          const next = lanes.leave(item!.key);
          if (next) begin(next);
        };
        for (const [at, { key }] of items.entries()) {
          const item = { key, at };
          if (lanes.enter(item)) begin(item);
          if ((choices.next().value ?? 0) % 2 === 0 && running.length > 0) endOne();
        }
        while (running.length > 0) endOne();
        assert.equal(done.length, items.length);
        for (const key of ['a', 'b', 'c', undefined]) {
          const order = done.filter((item) => item.key === key).map(({ at }) => at);
          assert.deepEqual(
            order,
            order.toSorted((a, b) => a - b),
          );
        }
        assert.deepEqual([lanes.active, lanes.waiting], [0, 0]);
      }),
    );
  });
});
