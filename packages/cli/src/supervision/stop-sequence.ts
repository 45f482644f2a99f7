/** The stop of a fleet: in reverse order as far as processes end in time, and within its time in any case. */

import { type Draft, enter, isGone, isUntold, patch, terminate } from './draft.ts';
import type { FleetState, StartFailure } from './fleet-state.ts';
import type { Unit } from './plan.ts';

export function beginStop(draft: Draft, failures: readonly StartFailure[]): void {
  if (draft.mode === 'stopping' || draft.mode === 'stopped') return;
  const wasIdle = draft.mode === 'idle';
  Object.assign(draft, { mode: 'stopping', stopStartedAt: draft.moment.now, failures, restarts: [] });
  const killAt = draft.moment.now + draft.policy.stopKillMs;
  for (const [name, instance] of draft.instances) {
    if (instance.phase === 'waiting' || instance.phase === 'backoff') enter(draft, name, 'stopped', {});
    else if (instance.phase === 'stopping')
      patch(draft, name, { due: Math.min(instance.due ?? killAt, killAt) });
  }
  if (wasIdle) continueStop(draft);
}

export function continueStop(draft: Draft): void {
  const killAt = draft.stopStartedAt + draft.policy.stopKillMs;
  for (const unit of draft.plan) {
    const free = unit.stopsAfter.every((other) => isGone(draft, other));
    if (!free && draft.moment.now < toldBy(draft, unit)) continue;
    for (const name of unit.instances) {
      if (isUntold(draft.instances.get(name))) terminate(draft, name, killAt);
    }
  }
  if (draft.plan.every((unit) => isGone(draft, unit.name))) {
    draft.mode = 'stopped';
    draft.actions.push({ type: 'fleet-stopped', failures: draft.failures });
  }
}

/** Ranks are told at even distances, the last at `stopToldMs`. */
export function toldBy(state: FleetState | Draft, unit: Unit): number {
  const lastRank = Math.max(1, ...state.plan.map((other) => other.stopRank));
  return state.stopStartedAt + (state.policy.stopToldMs * unit.stopRank) / lastRank;
}
