import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultPolicy } from './policy.ts';
import { explainPolicy, type PolicyLayer, PolicyRules, resolvePolicy } from './policy-rules.ts';

const selectors = ['*', 'risk->*', 'ledger', 'risk->ledger', 'ledger.hold', 'risk->ledger.hold'];

const unchanged = { ...defaultPolicy, longestMs: Number.POSITIVE_INFINITY };

describe('A policy', () => {
  it('is the default one where no rule says otherwise', () => {
    assert.deepEqual(resolvePolicy([], 'risk', 'ledger', 'hold'), unchanged);
    const elsewhere: PolicyLayer = { source: 'code', rules: { orders: { deadlineMs: 1 } } };
    assert.deepEqual(resolvePolicy([elsewhere], 'risk', 'ledger', 'hold'), unchanged);
  });

  it('changes key by key, and leaves the rest of a group', () => {
    const rules = { ledger: { retry: { attempts: 5 } }, 'ledger.hold': { retry: { baseMs: 7 }, waitMs: 0 } };
    const policy = resolvePolicy([{ source: 'code', rules }], 'risk', 'ledger', 'hold');
    assert.deepEqual(policy.retry, { ...defaultPolicy.retry, attempts: 5, baseMs: 7 });
    assert.equal(policy.waitMs, 0);
    assert.deepEqual(policy.breaker, defaultPolicy.breaker);
  });

  it('takes the more specific of a layer’s rules', () => {
    const ranked = Object.fromEntries(
      selectors.map((selector, rank) => [selector, { deadlineMs: rank + 1 }]),
    );
    for (let known = 1; known <= selectors.length; known++) {
      // The order in which rules are written does not matter.
      const rules = Object.fromEntries(Object.entries(ranked).slice(0, known).reverse());
      const { deadlineMs } = resolvePolicy([{ source: 'configuration', rules }], 'risk', 'ledger', 'hold');
      assert.equal(deadlineMs, known);
    }
  });

  it('takes a later layer’s rule, however general', () => {
    const layers: PolicyLayer[] = [
      { source: 'code', rules: { 'risk->ledger.hold': { deadlineMs: 1 } } },
      { source: 'run time', rules: { '*': { deadlineMs: 2 } } },
    ];
    assert.equal(resolvePolicy(layers, 'risk', 'ledger', 'hold').deadlineMs, 2);
  });

  it('of one caller does not hold for others, nor that of an operation for the service', () => {
    const rules: PolicyRules = { 'risk->ledger': { waitMs: 1 }, 'ledger.hold': { deadlineMs: 1 } };
    const layers: PolicyLayer[] = [{ source: 'code', rules }];
    assert.equal(resolvePolicy(layers, 'orders', 'ledger', 'hold').waitMs, defaultPolicy.waitMs);
    assert.equal(resolvePolicy(layers, 'risk', 'ledger', 'post').deadlineMs, defaultPolicy.deadlineMs);
    assert.equal(resolvePolicy(layers, 'risk', 'ledger').deadlineMs, defaultPolicy.deadlineMs);
    assert.equal(resolvePolicy(layers, 'risk', 'ledger').waitMs, 1);
  });

  it('can be set to what is false or zero', () => {
    const rules: PolicyRules = {
      '*': { preferZone: false, retry: { budget: 0 }, breaker: { enabled: false } },
    };
    const policy = resolvePolicy([{ source: 'code', rules }], 'risk', 'ledger');
    assert.deepEqual([policy.preferZone, policy.retry.budget, policy.breaker.enabled], [false, 0, false]);
  });

  it('never changes the default one', () => {
    const before = structuredClone(defaultPolicy);
    resolvePolicy([{ source: 'code', rules: { '*': { retry: { attempts: 9 } } } }], 'risk', 'ledger');
    assert.deepEqual(defaultPolicy, before);
  });
});

describe('An explanation', () => {
  const layers: PolicyLayer[] = [
    { source: 'code', rules: { ledger: { deadlineMs: 500, retry: { attempts: 2 } } } },
    { source: 'configuration', rules: { 'risk->ledger.hold': { deadlineMs: 300 } } },
    { source: 'run time', rules: { 'ledger.hold': { breaker: { enabled: false } } } },
  ];
  const explained = explainPolicy(layers, 'risk', 'ledger', 'hold');
  const of = (key: string) => explained.find((value) => value.key === key);

  it('names the layer and the rule that decided each value', () => {
    assert.deepEqual(of('deadlineMs'), {
      key: 'deadlineMs',
      value: 300,
      source: 'configuration',
      selector: 'risk->ledger.hold',
    });
    assert.deepEqual(of('retry.attempts'), {
      key: 'retry.attempts',
      value: 2,
      source: 'code',
      selector: 'ledger',
    });
    assert.deepEqual(of('breaker.enabled'), {
      key: 'breaker.enabled',
      value: false,
      source: 'run time',
      selector: 'ledger.hold',
    });
    assert.deepEqual(of('retry.baseMs'), {
      key: 'retry.baseMs',
      value: defaultPolicy.retry.baseMs,
      source: 'default',
      selector: undefined,
    });
  });

  it('has every value of the effective policy', () => {
    const { longestMs: _, ...values } = resolvePolicy(layers, 'risk', 'ledger', 'hold');
    const policy: Record<string, unknown> = values;
    for (const { key, value } of explained) {
      const [group, name] = key.split('.');
      const expected =
        name === undefined ? policy[group!] : (policy[group!] as Record<string, unknown>)[name];
      assert.equal(value, expected, key);
    }
    const leaves = Object.values(policy).flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.keys(value) : ['one'],
    );
    assert.equal(explained.length, leaves.length);
  });
});

describe('Rules', () => {
  it('are taken for every kind of selector', () => {
    const rules = Object.fromEntries(
      [...selectors, 'market-data.$contract'].map((one) => [one, { waitMs: 1 }]),
    );
    assert.deepEqual(PolicyRules.parse(rules), rules);
  });

  it('are refused for what is no selector, and the error shows the forms', () => {
    for (const selector of [
      '',
      'Ledger',
      'ledger.',
      '->ledger',
      'risk->',
      'a->b->c',
      '*.hold',
      'ledger hold',
    ]) {
      const { error } = PolicyRules.safeParse({ [selector]: {} });
      assert.match(error?.message ?? 'taken', /is not a selector: use \*, <service>/, selector);
    }
  });

  it('are refused with keys and values that are none', () => {
    const wrong = [
      { retries: 3 },
      { retry: { atempts: 3 } },
      { retry: { attempts: 0 } },
      { retry: { budget: 1.5 } },
      { deadlineMs: -1 },
      { deadlineMs: '5s' },
      { breaker: { slowFactor: 0.5 } },
      { bulkhead: { concurrency: 1.5 } },
      { balancing: 'best' },
    ];
    for (const rule of wrong) {
      assert.equal(PolicyRules.safeParse({ ledger: rule }).success, false, JSON.stringify(rule));
    }
  });

  it('are refused with times that no timer waits for, and windows that fill the memory', () => {
    const accepts = (rule: object) => PolicyRules.safeParse({ '*': rule }).success;
    assert.ok(accepts({ deadlineMs: 86_400_000, breaker: { maxWindowMs: 600_000 } }));
    assert.ok(!accepts({ deadlineMs: 2 ** 31 }));
    for (const group of ['ejection', 'breaker', 'throttle']) {
      assert.ok(!accepts({ [group]: { windowMs: 600_001 } }), group);
    }
  });

  it('may set every key that a policy has', () => {
    assert.deepEqual(PolicyRules.parse({ '*': defaultPolicy }), { '*': defaultPolicy });
  });

  it('of one operation cannot say what all operations of the service share', () => {
    const rule: PolicyRules[string] = {
      ...{ balancing: 'random', bulkhead: { queue: 0 }, retry: { attempts: 1, reserve: 0 } },
      ...{ hedge: { enabled: true, budget: 0.5 }, preferZone: false, ejection: { maxMs: 1 } },
    };
    const { error } = PolicyRules.safeParse({ 'risk->ledger.hold': rule });
    const refused = error?.issues.map(({ path }) => path.slice(1).join('.')).sort();
    const shared = ['bulkhead.queue', 'ejection.maxMs', 'hedge.budget', 'preferZone', 'retry.reserve'];
    assert.deepEqual(refused, shared);
    for (const issue of error?.issues ?? []) {
      assert.deepEqual(issue.code === 'custom' && issue.params, { repair: 'set it for risk->ledger' });
    }
    assert.ok(PolicyRules.safeParse({ 'risk->ledger': rule }).success);
    const layers: PolicyLayer[] = [{ source: 'code', rules: { 'risk->ledger.hold': rule } }];
    const said = explainPolicy(layers, 'risk', 'ledger', 'hold').filter(({ source }) => source === 'code');
    assert.deepEqual(
      said.map(({ key }) => key),
      ['balancing', 'retry.attempts', 'hedge.enabled'],
    );
  });
});
