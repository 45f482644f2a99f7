import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heaviest } from './broker-away.ts';

test('the heaviest stretch is found wherever it begins', () => {
  assert.equal(heaviest([], 100), 0);
  assert.equal(heaviest([0, 50, 99, 100, 120, 149, 400], 100), 5);
  assert.equal(heaviest([0, 100, 200], 100), 1);
});
