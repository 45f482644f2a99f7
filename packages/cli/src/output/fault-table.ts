/** Faults, for people. */

import { durationText } from '../duration.ts';
import type { FaultView } from '../steering/fault-order.ts';
import { type Paint, plain } from './colour.ts';
import { table } from './table.ts';

/** @param now Unix time in milliseconds. */
export function faultTable(faults: readonly FaultView[], now: number, paint: Paint = plain): string {
  return table<FaultView>(
    [
      { title: 'ID', cell: (each) => each.id },
      { title: 'TARGET', cell: (each) => each.target },
      { title: 'FAULT', cell: (each) => each.fault },
      { title: 'ENDS IN', cell: (each) => left(Date.parse(each.until) - now), align: 'right' },
    ],
    faults,
    paint,
  );
}

/** In whole seconds, from above: a fault that was ordered for a minute ends in 60 s, not in 59.99. */
function left(ms: number): string {
  return ms <= 0 ? 'now' : durationText(Math.ceil(ms / 1_000) * 1_000);
}
