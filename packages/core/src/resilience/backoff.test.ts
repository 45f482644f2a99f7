import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fullJitter } from './backoff.ts';
import { defaultPolicy } from './policy.ts';

const policy = { ...defaultPolicy.retry, baseMs: 20, maxMs: 100 };

test('the most that is waited doubles from try to try, up to the limit', () => {
  const most = [2, 3, 4, 5, 6, 2_000].map((tryNumber) => fullJitter(policy, tryNumber, 1));
  assert.deepEqual(most, [20, 40, 80, 100, 100, 100]);
});

test('waits are spread over everything from zero to the most', () => {
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 50 }), share, (tryNumber, random) => {
      const most = fullJitter(policy, tryNumber, 1);
      assert.equal(fullJitter(policy, tryNumber, 0), 0);
      assert.ok(Math.abs(fullJitter(policy, tryNumber, random) - random * most) < 1e-9);
    }),
  );
});
