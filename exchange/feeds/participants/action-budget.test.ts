import assert from 'node:assert/strict';
import test from 'node:test';
import { ActionBudget } from './action-budget.ts';

test('it begins full, empties by spending, and fills with time up to the burst', () => {
  const budget = new ActionBudget(4, 10);
  assert.equal(budget.available(1_000), 10);
  budget.spend(10);
  assert.equal(budget.available(1_000), 0);
  assert.equal(budget.available(1_249), 0);
  assert.equal(budget.available(1_500), 2);
  assert.equal(budget.available(60_000), 10);
});

test('a clock that goes back neither gives nor takes', () => {
  const budget = new ActionBudget(1, 5);
  budget.available(10_000);
  budget.spend(3);
  assert.equal(budget.available(0), 2);
  assert.equal(budget.available(1_000), 3);
});

test('a rate or burst that makes no sense is refused', () => {
  for (const [rate, burst] of [
    [0, 1],
    [-1, 1],
    [Number.NaN, 1],
    [1, 0],
  ] as const) {
    assert.throws(() => new ActionBudget(rate, burst), RangeError);
  }
});
