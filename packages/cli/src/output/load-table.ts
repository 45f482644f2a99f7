/** The load of a fleet for people: one line per process, and one for all. */

import type { FleetLoad, LoadedInstance } from '../top/fleet-load.ts';
import type { InstanceLoad } from '../top/instance-load.ts';
import { type Paint, plain } from './colour.ts';
import { bytes, digits, milliseconds, percent } from './quantity.ts';
import { type Column, table } from './table.ts';

/** From here on a number is coloured. */
const LATE_MS = 50;
const MANY_ERRORS = 0.01;

export function loadTable({ fleet, time, instances }: FleetLoad, paint: Paint = plain): string {
  const total = (of: (load: InstanceLoad) => number | null) =>
    instances.reduce((sum, { load }) => sum + ((load && of(load)) ?? 0), 0);
  const facts = [
    time.slice(11, 19),
    `${instances.length} processes`,
    `CPU ${percent(total((load) => load.cpuShare))}`,
    `RSS ${bytes(total((load) => load.rssBytes))}`,
  ];
  const body = table<LoadedInstance>(columns(paint), instances, paint);
  return `${paint('bold', fleet)}  ${facts.join('  ')}\n\n${body}`;
}

function columns(paint: Paint): Column<LoadedInstance>[] {
  const number = (
    title: string,
    show: (load: InstanceLoad) => string | null,
    isBad: (load: InstanceLoad) => boolean = () => false,
  ): Column<LoadedInstance> => ({
    title,
    align: 'right',
    cell: ({ load }) => (load && show(load)) ?? '-',
    paint: ({ load }, text) => (load && isBad(load) ? paint('red', text) : text),
  });
  return [
    { title: 'INSTANCE', cell: ({ instance }) => instance },
    {
      title: 'STATE',
      cell: ({ state, silent }) => (silent !== null && state === 'ready' ? 'silent' : state),
      paint: ({ state, silent }, text) => paint(state === 'ready' && silent === null ? 'green' : 'red', text),
    },
    number('CALLS/S', ({ callsPerSecond }) => orNull(callsPerSecond, digits)),
    number(
      'ERRORS',
      ({ errorShare }) => orNull(errorShare, percent),
      ({ errorShare }) => (errorShare ?? 0) >= MANY_ERRORS,
    ),
    number('P50', ({ p50Ms }) => orNull(p50Ms, milliseconds)),
    number('P99', ({ p99Ms }) => orNull(p99Ms, milliseconds)),
    number('IN FLIGHT', ({ inFlight }) => orNull(inFlight, String)),
    number(
      'QUEUE/LIMIT',
      ({ queue, limit }) => (queue === null || limit === null ? null : `${queue}/${Math.floor(limit)}`),
      ({ queue }) => (queue ?? 0) > 0,
    ),
    number('RETRIES/S', ({ retriesPerSecond }) => orNull(retriesPerSecond, digits)),
    number(
      'BREAKERS',
      ({ breakersOpen }) => (breakersOpen === 0 ? '0' : `${breakersOpen} open`),
      ({ breakersOpen }) => breakersOpen > 0,
    ),
    {
      title: 'EJECTED BY',
      align: 'right',
      cell: ({ ejectedBy }) => String(ejectedBy.length),
      paint: ({ ejectedBy }, text) => (ejectedBy.length > 0 ? paint('red', text) : text),
    },
    number(
      'LOOP P99',
      ({ loopDelayMs }) => orNull(loopDelayMs, milliseconds),
      ({ loopDelayMs }) => (loopDelayMs ?? 0) >= LATE_MS,
    ),
    number('CPU', ({ cpuShare }) => orNull(cpuShare, percent)),
    number('RSS', ({ rssBytes }) => orNull(rssBytes, bytes)),
  ];
}

function orNull(value: number | null, show: (value: number) => string): string | null {
  return value === null ? null : show(value);
}
