/** Traces for people, one in a line. */

import type { ListedTrace } from '../traces/fleet-traces.ts';
import { type Paint, plain } from './colour.ts';
import { printable } from './printable.ts';
import { milliseconds } from './quantity.ts';
import { table } from './table.ts';

export function traceTable(traces: readonly ListedTrace[], paint: Paint = plain): string {
  return table<ListedTrace>(
    [
      { title: 'TRACE', cell: ({ traceId }) => traceId },
      { title: 'TIME', cell: ({ startMs }) => new Date(startMs).toISOString().slice(11, 23) },
      { title: 'DURATION', cell: ({ durationMs }) => milliseconds(durationMs), align: 'right' },
      { title: 'SPANS', cell: ({ spans }) => String(spans), align: 'right' },
      {
        title: 'WHY',
        cell: ({ reason, code }) => (code === undefined ? reason : `${reason} ${code}`),
        paint: ({ reason }, text) => (reason === 'error' ? paint('red', text) : text),
      },
      { title: 'PROCESS', cell: ({ instance }) => instance },
      { title: 'SPAN', cell: ({ name }) => printable(name) },
    ],
    traces,
    paint,
  );
}
