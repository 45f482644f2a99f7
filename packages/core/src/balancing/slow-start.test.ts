import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slowStartShare } from './slow-start.ts';

test('the share of a new instance grows in a straight line from a tenth to all', () => {
  const shares = [0, 100, 500, 1_000, 1_500, 2_000, 9_000].map((age) =>
    slowStartShare(100, 100 + age, 2_000),
  );
  assert.deepEqual(shares, [0.1, 0.1, 0.25, 0.5, 0.75, 1, 1]);
});

test('without slow start a new instance has its full share, even where the clock lags behind', () => {
  assert.equal(slowStartShare(100, 100, 0), 1);
  assert.equal(slowStartShare(100, 99, 0), 1);
});
