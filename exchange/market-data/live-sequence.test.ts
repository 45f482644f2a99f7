import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LiveSequence } from './live-sequence.ts';

interface Item {
  readonly sequence: number;
}

test('it keeps exactly the latest items, wherever the sequence began', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 100 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat({ max: 30 }),
      (before, capacity, count) => {
        const live = new LiveSequence<Item>(before, capacity);
        const items: Item[] = [];
        for (let sequence = before + 1; sequence <= before + count; sequence++) {
          items.push({ sequence });
          live.append(items.at(-1)!);
        }
        const kept = items.slice(-capacity);
        assert.equal(live.latest, before + count);
        assert.equal(live.oldest, kept[0]?.sequence ?? before + 1);
        for (let sequence = 0; sequence <= before + count + capacity; sequence++) {
          assert.equal(
            live.at(sequence),
            kept.find((item) => item.sequence === sequence),
          );
        }
      },
    ),
  );
});

test('an item that does not follow is refused and changes nothing', () => {
  const live = new LiveSequence<Item>(4, 2);
  live.append({ sequence: 5 });
  for (const sequence of [4, 5, 7]) assert.throws(() => live.append({ sequence }), { code: 'internal' });
  assert.deepEqual([live.oldest, live.latest, live.at(5)], [5, 5, { sequence: 5 }]);
});

test('all who wait share one promise, which resolves at the next item and at a wake', async () => {
  const live = new LiveSequence<Item>(0, 2);
  const first = live.changed();
  assert.equal(live.changed(), first);
  live.append({ sequence: 1 });
  await first;
  const second = live.changed();
  assert.notEqual(second, first);
  live.wake();
  await second;
  live.wake();
});
