/** What the supervisor says of its fleet, in its log. */

import { durationText } from '../duration.ts';
import type { FaultChange } from '../steering/steering.ts';
import type { RestartProgress } from '../supervision/restart.ts';
import type { PhaseChange } from './supervisor.ts';

/** Of a fault that begins or ends. */
export function faultLine({ id, target, fault, state, because, until }: FaultChange): string {
  const ms = Date.parse(until) - Date.now();
  const time = ms > 0 ? ` for ${durationText(Math.round(ms / 100) * 100)}` : '';
  if (state === 'begun') return `fault ${id}: ${fault} on ${target}${time}`;
  return `fault ${id} ended (${because}): ${fault} on ${target}`;
}

/** Of a rolling restart. */
export function restartLine(progress: RestartProgress): string | undefined {
  switch (progress.stage) {
    case 'replacing':
      return `restarting ${progress.instance}`;
    case 'failed':
      return `stopped: ${[progress.instance, progress.reason].join(' ').trim()}`;
    case 'done':
      return 'done';
    default:
      return undefined;
  }
}

/** What is worth a line in the supervisor's log. */
export function changeLine({ instance, state, reason, delayMs }: PhaseChange): string | undefined {
  if (state === 'failed') return `${instance} cannot start: ${reason ?? 'no reason given'}`;
  if (state === 'backoff') return `${instance} died: ${reason}; restarting it in ${delayMs} ms`;
  if (state === 'stopped' && reason !== undefined) return `${instance}: ${reason}`;
  return undefined;
}
