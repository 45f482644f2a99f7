/** What `flotilla up` says when the fleet is ready: the table, the time, and where everything is. */

import type { FleetUrls } from '../data/fleet-record.ts';
import type { InstanceView } from '../supervisor/supervisor.ts';
import type { Paint } from './colour.ts';
import { fleetTable } from './fleet-table.ts';

export interface ReadyReport {
  readonly seconds: number;
  readonly urls: FleetUrls;
  readonly instances: readonly InstanceView[];
}

export function readyReport({ seconds, urls, instances }: ReadyReport, paint: Paint): string {
  const lines = (['gateway', 'openapi', 'broker', 'control'] as const).flatMap((name) => {
    const url = urls[name];
    return url === undefined ? [] : [`  ${name.padEnd(8)} ${paint('cyan', url)}\n`];
  });
  const ready = paint('bold', `Ready in ${seconds.toFixed(1)} s`);
  return `\n${fleetTable(instances, paint, false)}\n${ready}\n${lines.join('')}\n`;
}
