/** Looks at all processes of a running fleet again and again, and tells what they did in between. */

import { setTimeout as pause } from 'node:timers/promises';
import type { MetricsSnapshot, ResilienceReport } from 'flotilla';
import { AdminPorts, type Answer } from '../admin/admin-ports.ts';
import { connectControl } from '../control/client.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import type { InstanceView } from '../supervisor/supervisor.ts';
import { type InstanceLoad, loadBetween } from './instance-load.ts';

export interface LoadedInstance extends Pick<InstanceView, 'service' | 'instance' | 'pid' | 'state'> {
  /** Null: it did not answer, or has no admin port (the broker). */
  readonly load: InstanceLoad | null;
  /** Callers that have taken it out of their choice. */
  readonly ejectedBy: readonly string[];
  /** Why it did not answer; null where it did, and for the broker. */
  readonly silent: string | null;
}

export interface FleetLoad {
  readonly fleet: string;
  /** ISO 8601. */
  readonly time: string;
  /** Over which rates and quantiles are told. */
  readonly intervalMs: number;
  readonly instances: readonly LoadedInstance[];
}

interface Look {
  readonly at: number;
  readonly views: readonly InstanceView[];
  readonly snapshots: ReadonlyMap<string, MetricsSnapshot>;
  readonly ejections: ReadonlyMap<string, readonly string[]>;
  readonly silent: ReadonlyMap<string, string>;
}

/**
 * One load per interval, for ever.
 *
 * @throws Failure `not_running` when the fleet is gone.
 */
export async function* followLoad(found: FoundFleet, intervalMs: number): AsyncGenerator<FleetLoad> {
  const control = connectControl(found);
  const ports = new AdminPorts(control);
  const look = async (): Promise<Look> => {
    const views = await control.instances();
    const at = performance.now();
    const [metrics, reports] = await Promise.all([
      ports.askAll<MetricsSnapshot>(views, '/snapshot'),
      ports.askAll<ResilienceReport>(views, '/resilience'),
    ]);
    return {
      at,
      views,
      snapshots: new Map(metrics.answers.map(({ instance, body }) => [instance, body])),
      ejections: ejectionsIn(reports.answers),
      silent: new Map(metrics.silent.map(({ instance, reason }) => [instance, reason])),
    };
  };
  for (let before = await look(); ; ) {
    await pause(intervalMs);
    const after = await look();
    yield fleetLoad(control.record.name, before, after);
    before = after;
  }
}

function fleetLoad(fleet: string, before: Look, after: Look): FleetLoad {
  const intervalMs = after.at - before.at;
  const instances = after.views.map(({ service, instance, pid, state }) => {
    const snapshot = after.snapshots.get(instance);
    return {
      service,
      instance,
      pid,
      state,
      load: snapshot ? loadBetween(before.snapshots.get(instance), snapshot, intervalMs) : null,
      ejectedBy: after.ejections.get(instance) ?? [],
      silent: after.silent.get(instance) ?? null,
    };
  });
  return { fleet, time: new Date().toISOString(), intervalMs: Math.round(intervalMs), instances };
}

/** Instance → callers that have ejected it. */
export function ejectionsIn(reports: readonly Answer<ResilienceReport>[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { instance: caller, body } of reports) {
    for (const { instances } of body.services) {
      for (const { instance, ejectedForMs } of instances) {
        if (ejectedForMs > 0) found.set(instance, [...(found.get(instance) ?? []), caller]);
      }
    }
  }
  return found;
}
