/**
 * Restarts that an operator asks for: one instance after the other. Whoever depends on them stays.
 *
 * A plain one takes the next as soon as the one before is ready, and goes on whatever happens. A rolling one never makes
 * the service smaller than by one: its successor has loaded its code before an instance is told to stop; the next has
 * its turn when the one before is ready, callers have heard of it, and it has stayed ready for a moment; and it ends at
 * the first instance that does not come back.
 */

import { type Draft, patch, spawn, terminate } from './draft.ts';
import { isAlivePhase } from './fleet-state.ts';
import type { Restart, RestartProgress, RestartStage } from './restart.ts';

export function beginRestart(draft: Draft, id: number, instances: readonly string[], rolling: boolean): void {
  draft.restarts = [...draft.restarts, { id, rolling, current: undefined, next: instances }];
}

/** The instance that is under way is finished, the others stay as they are. */
export function cancelRestart(draft: Draft, id: number): void {
  draft.restarts = draft.restarts.map((each) => (each.id === id ? { ...each, next: [] } : each));
}

/** The successor of an instance has loaded its code. */
export function takePrepared(draft: Draft, instance: string): void {
  patchCurrent(draft, instance, (current) =>
    current.stage === 'preparing' ? { ...current, due: draft.moment.now } : current,
  );
}

/** Callers have heard of an instance. */
export function takeHeard(draft: Draft, instance: string): void {
  patchCurrent(draft, instance, (current) =>
    current.stage === 'settling' ? { ...current, heard: true } : current,
  );
}

function patchCurrent(draft: Draft, instance: string, change: (current: RestartStage) => RestartStage): void {
  draft.restarts = draft.restarts.map((each) =>
    each.current?.instance === instance ? { ...each, current: change(each.current) } : each,
  );
}

export function continueRestarts(draft: Draft): void {
  draft.restarts = draft.restarts.flatMap((restart) => advance(draft, restart) ?? []);
}

/** When time alone takes a restart further. */
export function restartWake({ current }: Restart): number | undefined {
  if (current?.stage === 'preparing') return current.due;
  if (current?.stage === 'settling') return current.heard ? current.settledAt : current.heardBy;
  return undefined;
}

/** As far as it gets at this moment; undefined when it is over. */
function advance(draft: Draft, restart: Restart): Restart | undefined {
  let { current, next } = restart;
  const tell = (progress: RestartProgress): void => {
    draft.actions.push({ type: 'restart', id: restart.id, rolling: restart.rolling, progress });
  };
  for (;;) {
    if (current === undefined) {
      const [instance, ...others] = next;
      if (instance === undefined) {
        tell({ stage: 'done' });
        return undefined;
      }
      next = others;
      const obstacle = restart.rolling ? obstacleTo(draft, instance) : undefined;
      if (obstacle !== undefined) {
        tell({ stage: 'failed', instance, reason: obstacle });
        return undefined;
      }
      current = begin(draft, instance, restart.rolling);
      if (current.stage === 'replacing') tell({ stage: 'replacing', instance });
    }
    const { instance } = current;
    const moved = move(draft, current, restart.rolling);
    if (moved === current) return { ...restart, current, next };
    if (moved === undefined) {
      if (restart.rolling) tell({ stage: 'settled', instance });
      else tell({ stage: 'ready', instance });
    } else if ('reason' in moved) {
      tell({ stage: 'failed', ...moved });
      if (restart.rolling) return undefined;
      return { ...restart, current: { stage: 'replacing', instance, failed: true }, next };
    } else {
      tell({ stage: moved.stage === 'settling' ? 'ready' : 'replacing', instance });
    }
    current = moved;
  }
}

/** Its next stage, the same one, undefined when it is done with, or why it never will be. */
function move(
  draft: Draft,
  current: RestartStage,
  rolling: boolean,
): RestartStage | undefined | { readonly instance: string; readonly reason: string } {
  const { instance } = current;
  const { now } = draft.moment;
  const state = draft.instances.get(instance);
  if (state === undefined) return undefined;
  switch (current.stage) {
    case 'preparing': {
      if (now < current.due) return current;
      const obstacle = obstacleTo(draft, instance);
      if (obstacle !== undefined) return { instance, reason: obstacle };
      replace(draft, instance);
      return { stage: 'replacing', instance, failed: false };
    }
    case 'replacing': {
      if (state.byHand !== undefined) {
        const lost = state.phase === 'backoff' && !current.failed;
        return lost ? { instance, reason: `did not come back: ${state.lastEnd}` } : current;
      }
      if (!rolling) return undefined;
      const { settleMs, heardWithinMs } = draft.policy;
      const times = { settledAt: now + settleMs, heardBy: now + heardWithinMs };
      return { stage: 'settling', instance, heard: false, ...times };
    }
    case 'settling':
      if (state.phase !== 'ready') {
        return { instance, reason: `did not stay ready: ${state.ending ?? state.lastEnd ?? state.phase}` };
      }
      if (current.heard) return now >= current.settledAt ? undefined : current;
      if (now < current.heardBy) return current;
      return { instance, reason: 'is ready, but discovery does not know it: its callers would not find it' };
  }
}

function begin(draft: Draft, instance: string, rolling: boolean): RestartStage {
  const state = draft.instances.get(instance);
  if (rolling && state?.phase === 'ready') {
    draft.actions.push({ type: 'prepare', unit: state.unit, instance });
    return { stage: 'preparing', instance, due: draft.moment.now + draft.policy.prepareMs };
  }
  replace(draft, instance);
  return { stage: 'replacing', instance, failed: false };
}

/** Why an instance that serves may not be taken away now. */
function obstacleTo(draft: Draft, name: string): string | undefined {
  const instance = draft.instances.get(name);
  if (instance?.phase !== 'ready') return undefined;
  for (const [other, { unit, phase }] of draft.instances) {
    if (unit !== instance.unit || other === name || phase === 'ready') continue;
    return `was left alone, because ${other} is not ready (${phase}): ${unit} would lose another instance`;
  }
  return undefined;
}

function replace(draft: Draft, name: string): void {
  const instance = draft.instances.get(name);
  if (instance === undefined) return;
  if (instance.phase === 'backoff') {
    patch(draft, name, { byHand: 'starting', deaths: 0 });
    spawn(draft, name);
  } else if (isAlivePhase(instance.phase)) {
    patch(draft, name, { byHand: 'ending' });
    if (instance.phase !== 'stopping') terminate(draft, name, draft.moment.now + draft.policy.stopKillMs);
  }
}
