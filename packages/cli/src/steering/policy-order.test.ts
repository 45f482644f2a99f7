import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { POLICY_DEFAULTS, ruleKeys } from '../config/policy-keys.ts';
import { Failure } from '../failure.ts';
import { merged, ruleOf, settingsOf, without } from './policy-order.ts';

function refusal(...settings: string[]): [message: string, repair: string | undefined] {
  try {
    ruleOf(settings);
  } catch (error) {
    assert.ok(error instanceof Failure && error.code === 'usage', String(error));
    return [error.message, error.repair];
  }
  return assert.fail(`${settings} was accepted`);
}

describe('a policy that an operator orders', () => {
  it('is read by the type of each setting', () => {
    const rule = ruleOf([
      'waitMs=5s',
      'deadlineMs=250',
      'retry.attempts=1',
      'retry.budget=20%',
      'hedge.enabled=true',
      'balancing=round-robin',
    ]);
    assert.deepEqual(rule, {
      waitMs: 5_000,
      deadlineMs: 250,
      retry: { attempts: 1, budget: 0.2 },
      hedge: { enabled: true },
      balancing: 'round-robin',
    });
    assert.deepEqual(
      settingsOf(rule).map(([key]) => key),
      ['deadlineMs', 'waitMs', 'balancing', 'retry.attempts', 'retry.budget', 'hedge.enabled'],
    );
  });

  it('takes every default as it is', () => {
    for (const [key, value] of POLICY_DEFAULTS) {
      assert.deepEqual(settingsOf(ruleOf([`${key}=${value}`])), [[key, value]], key);
    }
  });

  it('is refused with what is right', () => {
    assert.deepEqual(refusal('attempts=1'), [
      'there is no setting "attempts" of a policy',
      'use one of retry.attempts',
    ]);
    assert.match(refusal('retry=1')[1] ?? '', /^use one of retry\.attempts, retry\.baseMs/);
    assert.match(refusal('retry.x=1')[1] ?? '', /deadlineMs.*hedge\.budget/);
    assert.deepEqual(refusal('retry.attempts=0'), [
      'retry.attempts must be at least 1',
      'set it to 1 or more',
    ]);
    assert.throws(() => ruleOf(['retry.attempts=2', 'bulkhead.queue=0'], 'risk->ledger.hold'), {
      code: 'usage',
      message: 'bulkhead.queue is shared by all operations of a service',
      repair: 'set it for risk->ledger',
    });
    assert.deepEqual(refusal('retry.attempts=many'), ['retry.attempts is "many"', 'use a number']);
    assert.deepEqual(refusal('retry.budget='), ['retry.budget is ""', 'use a number']);
    assert.deepEqual(refusal('waitMs=30%'), ['waitMs is "30%"', 'use a time like 500ms or 5s']);
    assert.deepEqual(refusal('hedge.enabled=yes'), ['hedge.enabled is "yes"', 'use true or false']);
    assert.match(
      refusal('balancing=sticky').join(),
      /balancing is not one of its values,use one of peak-ewma/,
    );
    assert.match(refusal('waitMs')[1] ?? '', /flotilla policy set/);
    assert.match(refusal()[0], /no setting is named/);
  });

  it('is added to what was ordered before, and taken back setting by setting', () => {
    const both = merged(ruleOf(['retry.attempts=1', 'waitMs=1s']), ruleOf(['retry.baseMs=5', 'waitMs=2s']));
    assert.deepEqual(both, { retry: { attempts: 1, baseMs: 5 }, waitMs: 2_000 });
    assert.deepEqual(without(both, 'retry.attempts'), { retry: { baseMs: 5 }, waitMs: 2_000 });
    assert.deepEqual(without(both, 'hedge.minMs'), both);
    assert.deepEqual(without(without(both, 'waitMs') ?? {}, 'retry.attempts'), { retry: { baseMs: 5 } });
    assert.equal(without(ruleOf(['retry.attempts=1']), 'retry.attempts'), undefined);
  });
});

describe('the settings of a policy', () => {
  it('are listed by group', () => {
    assert.ok(ruleKeys().includes('retry') && ruleKeys().includes('waitMs'));
    assert.deepEqual(ruleKeys('bulkhead'), ['concurrency', 'queue']);
  });
});
