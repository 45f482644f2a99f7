import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Random } from './random.ts';

function take(seed: string, count: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.uint32());
}

test('a seed gives the same sequence each time, and another seed another one', () => {
  assert.deepEqual(take('market', 20), take('market', 20));
  assert.notDeepEqual(take('market', 20), take('market2', 20));
  assert.equal(new Set(take('', 1_000)).size, 1_000);
});

test('the sequence of a seed never changes from one version to the next', () => {
  assert.deepEqual(take('flotilla', 3), [3340813366, 1387782746, 365109502]);
});

test('numbers below a bound stay below it and are spread evenly', () => {
  const random = new Random('even');
  const counts = new Array<number>(7).fill(0);
  for (let draw = 0; draw < 70_000; draw++) counts[random.below(7)]!++;
  // Six sigma: about 555 around 10,000.
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 600, `${counts}`);
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
      const value = new Random(seed).below(bound);
      assert.ok(Number.isInteger(value) && value >= 0 && value < bound);
    }),
  );
});

test('a bound that makes no sense is refused', () => {
  for (const bound of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) {
    assert.throws(() => new Random('x').below(bound), RangeError);
  }
});

test('between includes both ends', () => {
  const random = new Random('ends');
  const seen = new Set(Array.from({ length: 200 }, () => random.between(-1, 2)));
  assert.deepEqual([...seen].sort(), [-1, 0, 1, 2]);
});

test('waiting times are whole, at least 1 ms, and have the mean asked for', () => {
  const random = new Random('wait');
  let sum = 0;
  for (let draw = 0; draw < 20_000; draw++) {
    const wait = random.waitMs(400);
    assert.ok(Number.isInteger(wait) && wait >= 1);
    sum += wait;
  }
  assert.ok(Math.abs(sum / 20_000 - 400) < 20, `mean ${sum / 20_000}`);
});
