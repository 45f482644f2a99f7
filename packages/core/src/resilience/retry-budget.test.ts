import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultPolicy } from './policy.ts';
import { RetryBudget } from './retry-budget.ts';
import { seededRandom } from './simulated-calls.ts';

function withdrawals(budget: RetryBudget, now: number): number {
  let taken = 0;
  while (budget.withdraw(now)) taken++;
  return taken;
}

test('a share of the calls may be retried, and the reserve without any', () => {
  const budget = new RetryBudget(0.1, 2);
  assert.equal(withdrawals(budget, 0), 2);
  for (let n = 0; n < 100; n++) budget.deposit(0);
  assert.equal(withdrawals(budget, 0), 10);
});

test('calls pay for retries within ten seconds', () => {
  const budget = new RetryBudget(0.1, 0);
  for (let n = 0; n < 100; n++) budget.deposit(0);
  assert.equal(budget.withdraw(9_000), true);
  assert.equal(budget.withdraw(10_000), false);
});

test('calls fill the reserve again, and it lasts', () => {
  const budget = new RetryBudget(0.1, 2);
  assert.equal(withdrawals(budget, 0), 2);
  for (let n = 0; n < 100; n++) budget.deposit(0);
  assert.equal(withdrawals(budget, 3_600_000), 2);
  assert.equal(withdrawals(budget, 7_200_000), 0);
});

test('no more is saved up than a hundred calls pay for', () => {
  const budget = new RetryBudget(0.1, 2);
  for (let n = 0; n < 100_000; n++) budget.deposit(0);
  assert.equal(withdrawals(budget, 0), 12);
});

test('ten calls at a tenth make exactly one retry', () => {
  const budget = new RetryBudget(0.1, 0);
  for (let n = 0; n < 10; n++) budget.deposit(0);
  assert.equal(withdrawals(budget, 0), 1);
});

test('with no share and no reserve there are no retries', () => {
  const budget = new RetryBudget(0, 0);
  for (let n = 0; n < 1_000; n++) budget.deposit(0);
  assert.equal(budget.withdraw(0), false);
});

test('retries stay under 1.2 × the calls, whatever share of them fails and however they come', () => {
  const { budget: share, reserve, attempts } = defaultPolicy.retry;
  const gaps = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20_000 })), {
    minLength: 50,
    maxLength: 400,
  });
  const errorShare = fc.oneof(fc.constant(0.3), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(gaps, errorShare, fc.integer(), (waits, errors, seed) => {
      const random = seededRandom(seed);
      const budget = new RetryBudget(share, reserve);
      let now = 0;
      let sent = 0;
      for (const wait of waits) {
        now += wait;
        budget.deposit(now);
        sent++;
        for (let tries = 1; tries < attempts && random() < errors && budget.withdraw(now); tries++) sent++;
      }
      assert.ok(sent <= 1.2 * waits.length, `${sent} sent for ${waits.length} calls`);
    }),
    { numRuns: 500 },
  );
});

test('retries of any 140 calls in a row stay under 1.2 × as well, when errors begin after a healthy while', () => {
  const { budget: share, reserve, attempts } = defaultPolicy.retry;
  const healthy = fc.integer({ min: 0, max: 5_000 });
  const gap = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true }));
  const sick = fc.integer({ min: 140, max: 1_000 });
  fc.assert(
    fc.property(healthy, gap, sick, fc.integer(), (before, gapMs, calls, seed) => {
      const random = seededRandom(seed);
      const budget = new RetryBudget(share, reserve);
      let sent = 0;
      for (let n = 0; n < before + calls; n++) {
        const now = n * gapMs;
        budget.deposit(now);
        if (n < before) continue;
        sent++;
        for (let tries = 1; tries < attempts && random() < 0.3 && budget.withdraw(now); tries++) sent++;
      }
      assert.ok(sent <= 1.2 * calls, `${sent} sent for ${calls} calls`);
    }),
    { numRuns: 300 },
  );
});
