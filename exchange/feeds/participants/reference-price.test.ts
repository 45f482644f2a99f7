import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Random } from './random.ts';
import { ReferencePrice } from './reference-price.ts';

function walk(anchor: number, seed: string): ReferencePrice {
  return new ReferencePrice({ anchor, random: new Random(seed) });
}

test('the path depends on the time passed, not on how often it is looked at', () => {
  const often = walk(10_000, 'path');
  const seldom = walk(10_000, 'path');
  const seen = new Map<number, number>();
  for (let now = 0; now <= 20_000; now += 7) seen.set(now, often.at(now));
  for (const now of [0, 3_500, 7_007, 19_999]) assert.equal(seldom.at(now), seen.get(now - (now % 7)));
  assert.ok(new Set(seen.values()).size > 3, 'the price does not move');
});

test('the price is a whole number and stays within its range for hours', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 10_000_000 }), fc.string(), (anchor, seed) => {
      const range = Math.max(10, Math.round(anchor / 50));
      const price = walk(anchor, seed);
      for (let now = 0; now < 3 * 3_600_000; now += 50_000) {
        const ticks = price.at(now);
        assert.ok(Number.isInteger(ticks) && ticks > 0 && Math.abs(ticks - anchor) <= range);
      }
    }),
    { numRuns: 20 },
  );
});

test('it is drawn back: far from the anchor it returns sooner than it goes on', () => {
  let total = 0;
  for (let run = 0; run < 50; run++) {
    const options = {
      anchor: 10_000,
      stepTicks: 10,
      stepMs: 100,
      range: 200,
      random: new Random(`back-${run}`),
    };
    total += Math.abs(new ReferencePrice(options).at(59_000) - 10_000);
  }
  // Without the pull, 590 steps of 10 would end about 190 away on average, and often at the end of the range.
  assert.ok(total / 50 < 80, `on average ${total / 50} ticks away`);
});

test('an external price takes over at once and the walk goes on from the last one', () => {
  const price = walk(10_000, 'follow');
  price.at(0);
  price.follow(6_168_599, 1_000);
  assert.equal(price.at(1_000), 6_168_599);
  price.follow(6_170_000, 2_000);
  const later = price.at(30_000);
  assert.ok(later !== 10_000 && Math.abs(later - 6_170_000) <= 200, `${later}`);
});

test('an external price that is none is left aside', () => {
  const price = walk(10_000, 'bad');
  for (const mid of [0, -5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 30]) price.follow(mid, 0);
  assert.equal(price.at(0), 10_000);
});

test('after a long pause it does not catch up step by step', () => {
  const price = walk(10_000, 'pause');
  price.at(0);
  assert.ok(Math.abs(price.at(Number.MAX_SAFE_INTEGER - 1) - 10_000) <= 200);
});

test('a walk that could reach zero or is not whole is refused', () => {
  const random = new Random('x');
  for (const options of [
    { anchor: 10 },
    { anchor: 10.5 },
    { anchor: 100, range: 60 },
    { anchor: 100, stepTicks: 0 },
  ]) {
    assert.throws(() => new ReferencePrice({ ...options, random }), RangeError);
  }
});
