import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ResilienceReport } from 'flotilla';
import { breakersIn, breakerTable } from './breaker-table.ts';
import { painted } from './colour.ts';

function report(operation: string, state: 'open' | 'closed' | 'half_open', forced = false): ResilienceReport {
  const breaker = { state, forced, calls: 20, failures: 12, slow: 3, slowAfterMs: 500, retryAfterMs: 400 };
  return {
    services: [
      {
        ...{ service: 'ledger', active: 0, waiting: 0, instances: [] },
        operations: [{ operation, inFlight: 0, throttled: 0, breaker }],
      },
    ],
  };
}

it('breakers are told per operation and calling process, with what they have judged', () => {
  const breakers = breakersIn([
    { service: 'risk', instance: 'risk-1', body: report('hold', 'half_open') },
    { service: 'orders', instance: 'orders-1', body: report('hold', 'open', true) },
    { service: 'feeds', instance: 'feeds-1', body: report('fund', 'closed') },
  ]);
  assert.equal(
    breakerTable(breakers),
    [
      'OPERATION    CALLER    STATE        CALLS  FAILED  SLOW  NEXT PROBE',
      'ledger.fund  feeds-1   closed          20      12     3      400 ms',
      'ledger.hold  orders-1  open (held)     20      12     3      400 ms',
      'ledger.hold  risk-1    half-open       20      12     3      400 ms',
      '',
    ].join('\n'),
  );
  assert.ok(breakerTable(breakers, painted).includes('\x1b[31mopen (held)'));
});
