import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Explanation,
  explainPolicy,
  type OperationDocument,
  type PolicyRules,
  type ResilienceReport,
} from 'flotilla';
import { painted } from '../output/colour.ts';
import { explainCallers, type OperationExplanation } from './explain-operation.ts';
import { explanationText } from './explanation-text.ts';
import { judgeHedge, judgeRetry, type PolicyValues, valuesOf } from './judgement.ts';

const HOLD: OperationDocument = {
  input: {},
  output: {},
  stream: false,
  errors: {},
  idempotent: true,
  access: { kind: 'internal' },
};

function policy(caller: string, rules: PolicyRules = {}): PolicyValues {
  return valuesOf(explained(caller, rules).body.values);
}

function explained(caller: string, rules: PolicyRules = {}, instance = `${caller}-1`) {
  const values = explainPolicy([{ source: 'configuration', rules }], caller, 'ledger', 'hold');
  const body: Explanation = { caller, service: 'ledger', operation: 'hold', values };
  return { service: caller, instance, body };
}

function reported(instance: string, state: 'closed' | 'open') {
  const body: ResilienceReport = {
    services: [
      {
        service: 'ledger',
        active: 0,
        waiting: 0,
        instances: [],
        operations: [
          {
            operation: 'hold',
            inFlight: 2,
            throttled: state === 'open' ? 0.25 : 0,
            breaker: {
              state,
              forced: state === 'open',
              calls: 20,
              failures: 12,
              slow: 1,
              slowAfterMs: 500,
              retryAfterMs: 400,
            },
          },
        ],
      },
    ],
  };
  return { service: instance.replace(/-\d+$/, ''), instance, body };
}

describe('whether a call is tried again', () => {
  it('follows from the contract and the policy, and is said with the reason', () => {
    const usual = policy('risk');
    const once = policy('risk', { ledger: { retry: { attempts: 1 } } });
    assert.match(judgeRetry(HOLD, usual).because, /^it is idempotent: up to 3 tries .* under 10 % of calls$/);
    const careful = judgeRetry({ ...HOLD, idempotent: false }, usual);
    assert.deepEqual(
      [careful.yes, /but only when no instance has heard of it/.test(careful.because)],
      [true, true],
    );
    assert.match(judgeRetry({ ...HOLD, stream: true }, usual).because, /never once it has begun/);
    assert.deepEqual(judgeRetry(HOLD, once), { yes: false, because: 'retry.attempts is 1' });
  });

  it('is told of hedging too', () => {
    const on = policy('risk', { 'ledger.hold': { hedge: { enabled: true, quantile: 0.99 } } });
    assert.match(
      judgeHedge(HOLD, on).because,
      /longer than 99 % of them \(at least 1 ms\); hedges stay under 5 %/,
    );
    assert.deepEqual(judgeHedge(HOLD, policy('risk')), { yes: false, because: 'hedge.enabled is false' });
    assert.deepEqual(judgeHedge({ ...HOLD, idempotent: false }, on).yes, false);
    assert.deepEqual(judgeHedge({ ...HOLD, stream: true }, on).yes, false);
  });
});

describe('an explained operation', () => {
  const query = { service: 'ledger', operation: 'hold', from: undefined };

  it('has one entry per calling service, with the breaker of each of its processes', () => {
    const callers = explainCallers(
      HOLD,
      query,
      [explained('risk'), explained('risk', {}, 'risk-2'), explained('orders'), explained('feeds')],
      [reported('risk-1', 'closed'), reported('risk-2', 'open'), reported('orders-1', 'closed')],
    );
    assert.deepEqual(
      callers.map(({ caller, calls, breakers }) => [
        caller,
        calls,
        breakers.map(({ instance, state }) => `${instance} ${state}`),
      ]),
      [
        ['feeds', false, []],
        ['orders', true, ['orders-1 closed']],
        ['risk', true, ['risk-1 closed', 'risk-2 open']],
      ],
    );
  });

  it('is told once for callers under the same policy, with the origin of what is not a default', () => {
    const callers = explainCallers(
      HOLD,
      query,
      [explained('risk', { 'risk->ledger': { waitMs: 50 } }), explained('orders'), explained('feeds')],
      [reported('risk-1', 'open')],
    );
    const explanation: OperationExplanation = {
      service: 'ledger',
      operation: 'hold',
      contract: {
        summary: 'Reserve cash',
        idempotent: true,
        stream: false,
        priority: 'high',
        key: 'account',
      },
      callers,
      silent: [],
    };
    const text = explanationText(explanation);
    assert.match(text, /^ledger\.hold {2}idempotent, priority high, key account\nReserve cash\n/);
    assert.match(text, /called by feeds, orders \(has not called it\)\n/);
    assert.match(
      text,
      /called by risk\nretried {2}yes .*\nhedged {3}no .*\nbreaker {2}open {2}of risk-1: 20 calls, 12 failed, 1 slow, slow is over 500 ms, held by hand, 25\.0 % of calls refused there: the service is overloaded, next probe in 400 ms\n/,
    );
    assert.match(text, /^waitMs +50 +configuration {2}risk->ledger$/m);
    assert.match(text, /^waitMs +3000 +default$/m);
    assert.ok(explanationText(explanation, painted).includes('\x1b[31mopen'));
  });
});
