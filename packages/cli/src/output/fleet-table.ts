/** The instances of a fleet, for people. */

import type { InstanceView } from '../supervisor/supervisor.ts';
import { type Colour, type Paint, plain } from './colour.ts';
import { table } from './table.ts';

const LONGEST_REASON = 100;

export function fleetTable(
  instances: readonly InstanceView[],
  paint: Paint = plain,
  restarts = true,
): string {
  return table<InstanceView>(
    [
      { title: 'SERVICE', cell: (each) => each.service },
      { title: 'INSTANCE', cell: (each) => each.instance },
      { title: 'PID', cell: (each) => String(each.pid ?? '-'), align: 'right' },
      {
        title: 'STATE',
        cell: (each) => each.state,
        paint: (each, text) => paint(colourOf(each.state), text),
      },
      ...(restarts
        ? [
            {
              title: 'RESTARTS',
              cell: (each: InstanceView) => String(each.restarts),
              align: 'right' as const,
            },
          ]
        : []),
      { title: 'VERSION', cell: (each) => each.version ?? '-' },
      { title: 'ADDRESS', cell: (each) => each.address ?? '-' },
      ...(instances.some((each) => each.lastEnd !== null)
        ? [{ title: 'LAST END', cell: (each: InstanceView) => shortened(each.lastEnd ?? '') }]
        : []),
    ],
    instances,
    paint,
  );
}

/** The first words of a reason, which may quote the last ones of a process. */
function shortened(reason: string): string {
  return reason.length <= LONGEST_REASON ? reason : `${reason.slice(0, LONGEST_REASON - 1)}…`;
}

function colourOf(state: InstanceView['state']): Colour {
  if (state === 'ready') return 'green';
  return state === 'failed' || state === 'backoff' ? 'red' : 'yellow';
}
