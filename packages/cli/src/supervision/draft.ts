/** A state being changed by one step, and the few ways in which it changes. */

import {
  type Action,
  type FleetState,
  type InstanceState,
  isAlivePhase,
  type Moment,
  type Phase,
} from './fleet-state.ts';

export type Draft = {
  -readonly [Key in Exclude<keyof FleetState, 'instances'>]: FleetState[Key];
} & {
  readonly instances: Map<string, InstanceState>;
  readonly actions: Action[];
  readonly moment: Moment;
};

export function spawn(draft: Draft, name: string): void {
  const instance = draft.instances.get(name);
  if (instance === undefined) return;
  const restarts = instance.phase === 'waiting' ? 0 : instance.restarts + 1;
  enter(draft, name, 'starting', { restarts, due: draft.moment.now + draft.policy.startTimeoutMs });
  draft.actions.push({ type: 'spawn', unit: instance.unit, instance: name });
}

export function terminate(draft: Draft, name: string, killAt: number): void {
  enter(draft, name, 'stopping', { due: killAt });
  draft.actions.push({ type: 'signal', instance: name, signal: 'SIGTERM' });
}

export function kill(draft: Draft, name: string, ending: string | undefined): void {
  patch(draft, name, { phase: 'stopping', due: undefined, ending });
  draft.actions.push({ type: 'signal', instance: name, signal: 'SIGKILL' });
}

export function enter(
  draft: Draft,
  name: string,
  phase: Phase,
  changes: Partial<InstanceState>,
  reason?: string,
  delayMs?: number,
): void {
  const instance = draft.instances.get(name);
  if (instance === undefined) return;
  draft.instances.set(name, { ...instance, due: undefined, ...changes, phase, since: draft.moment.now });
  draft.actions.push({
    type: 'changed',
    unit: instance.unit,
    instance: name,
    phase,
    ...given({ reason, delayMs }),
  });
}

export function patch(draft: Draft, name: string, changes: Partial<InstanceState>): void {
  const instance = draft.instances.get(name);
  if (instance !== undefined) draft.instances.set(name, { ...instance, ...changes });
}

export function isGone(draft: Draft, unit: string): boolean {
  return [...draft.instances.values()].every((each) => each.unit !== unit || !isAlivePhase(each.phase));
}

export function isUntold(instance: InstanceState | undefined): boolean {
  return instance !== undefined && isAlivePhase(instance.phase) && instance.phase !== 'stopping';
}

function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
