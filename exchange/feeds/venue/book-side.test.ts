import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BookSide } from './book-side.ts';

const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.nat({ max: 3 })), { maxLength: 60 });

test('any series of changes gives the levels of a plain map, best first', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('bid' as const, 'ask' as const),
      changes,
      fc.nat({ max: 5 }),
      (name, series, depth) => {
        const side = new BookSide(name);
        const naive = new Map<number, number>();
        for (const [price, quantity] of series) {
          const differs = (naive.get(price) ?? 0) !== quantity;
          assert.equal(side.set(price, quantity), differs);
          if (quantity === 0) naive.delete(price);
          else naive.set(price, quantity);
          assert.equal(side.quantityAt(price), quantity);
        }
        const expected = [...naive].sort(([a], [b]) => (name === 'bid' ? b - a : a - b));
        assert.deepEqual(side.levels(), expected);
        assert.deepEqual(side.levels(depth), expected.slice(0, depth));
        assert.equal(side.bestPrice, expected[0]?.[0]);
        assert.equal(side.size, expected.length);
      },
    ),
  );
});

test('a cleared side is empty', () => {
  const side = new BookSide('bid');
  side.set(3, 1);
  side.clear();
  assert.deepEqual([side.size, side.bestPrice, side.levels(), side.quantityAt(3)], [0, undefined, [], 0]);
});
