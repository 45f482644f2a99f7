/** The circuit breakers of a fleet for people: one line per calling process and operation. */

import type { OperationReport, ResilienceReport } from 'flotilla';
import type { Answer } from '../admin/admin-ports.ts';
import { type Paint, plain } from './colour.ts';
import { milliseconds } from './quantity.ts';
import { table } from './table.ts';

export type SeenBreaker = OperationReport['breaker'] & {
  /** The process that keeps it. */
  readonly caller: string;
  /** `service.operation`. */
  readonly operation: string;
};

/** In the order of operations. */
export function breakersIn(reports: readonly Answer<ResilienceReport>[]): SeenBreaker[] {
  return reports
    .flatMap(({ instance, body }) =>
      body.services.flatMap(({ service, operations }) =>
        operations.map(({ operation, breaker }) => ({
          caller: instance,
          operation: `${service}.${operation}`,
          ...breaker,
        })),
      ),
    )
    .sort((a, b) => a.operation.localeCompare(b.operation) || a.caller.localeCompare(b.caller));
}

export function breakerTable(breakers: readonly SeenBreaker[], paint: Paint = plain): string {
  return table<SeenBreaker>(
    [
      { title: 'OPERATION', cell: ({ operation }) => operation },
      { title: 'CALLER', cell: ({ caller }) => caller },
      {
        title: 'STATE',
        cell: ({ state, forced }) => `${state.replace('_', '-')}${forced ? ' (held)' : ''}`,
        paint: ({ state }, text) =>
          paint(state === 'closed' ? 'green' : state === 'open' ? 'red' : 'yellow', text),
      },
      { title: 'CALLS', cell: ({ calls }) => String(calls), align: 'right' },
      { title: 'FAILED', cell: ({ failures }) => String(failures), align: 'right' },
      { title: 'SLOW', cell: ({ slow }) => String(slow), align: 'right' },
      {
        title: 'NEXT PROBE',
        cell: ({ retryAfterMs }) => (retryAfterMs > 0 ? milliseconds(retryAfterMs) : '-'),
        align: 'right',
      },
    ],
    breakers,
    paint,
  );
}
