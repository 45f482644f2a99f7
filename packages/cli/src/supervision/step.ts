/**
 * Supervision as a pure function: what is known, what happened and when, to what is known then and what to do. No
 * process, clock or random number in here, so that years of crashes run in a test in a second.
 */

import {
  type Action,
  type Fatal,
  type FleetState,
  type Input,
  type InstanceState,
  isAlivePhase,
  type Moment,
  type Phase,
  type StartFailure,
  type Step,
} from './fleet-state.ts';
import type { Unit } from './plan.ts';
import { backoff } from './policy.ts';

/** Platform codes of a peer that is not there yet: a restart may find it. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['unavailable', 'overloaded', 'deadline_exceeded']);

/** A state being changed by one step. */
type Draft = {
  -readonly [Key in Exclude<keyof FleetState, 'instances'>]: FleetState[Key];
} & {
  readonly instances: Map<string, InstanceState>;
  readonly actions: Action[];
  readonly moment: Moment;
};

export function step(state: FleetState, input: Input, moment: Moment): Step {
  const draft: Draft = { ...state, instances: new Map(state.instances), actions: [], moment };
  take(draft, input);
  if (draft.mode !== 'idle' && draft.mode !== 'stopped') {
    endPhasesThatAreDue(draft);
    if (draft.mode === 'starting') continueStart(draft);
    if (draft.mode === 'starting' || draft.mode === 'running') continueRollingRestarts(draft);
    if (draft.mode === 'stopping') continueStop(draft);
  }
  const { actions, moment: _, ...next } = draft;
  return { state: next, actions };
}

/** When the next `tick` is due, or undefined when only an event can change anything. */
export function nextWake(state: FleetState): number | undefined {
  const times: number[] = [];
  for (const { due } of state.instances.values()) if (due !== undefined) times.push(due);
  if (state.mode === 'starting' && state.failsAt !== undefined) times.push(state.failsAt);
  if (state.mode === 'stopping') {
    for (const unit of state.plan) {
      const untold = unit.instances.some((name) => isUntold(state.instances.get(name)));
      if (untold) times.push(toldBy(state, unit));
    }
  }
  return times.length === 0 ? undefined : Math.min(...times);
}

function take(draft: Draft, input: Input): void {
  const { now } = draft.moment;
  switch (input.type) {
    case 'start':
      if (draft.mode === 'idle') Object.assign(draft, { mode: 'starting', startedAt: now });
      return;
    case 'spawned':
      patch(draft, input.instance, { pid: input.pid });
      return;
    case 'ready':
      if (draft.instances.get(input.instance)?.phase !== 'starting') return;
      enter(draft, input.instance, 'ready', { readyAt: now, byHand: false, fatal: undefined });
      return;
    case 'draining': {
      const phase = draft.instances.get(input.instance)?.phase;
      if (phase !== 'ready' && phase !== 'starting') return;
      enter(draft, input.instance, 'draining', { due: now + draft.policy.startTimeoutMs });
      return;
    }
    case 'fatal':
      takeFatal(draft, input.instance, input.fatal);
      return;
    case 'exited':
      takeEnd(draft, input.instance, input.description, input.clean);
      return;
    case 'restart':
      if (draft.mode !== 'starting' && draft.mode !== 'running') return;
      draft.rolling = [...draft.rolling, { current: undefined, next: input.instances }];
      return;
    case 'stop':
      beginStop(draft, []);
      return;
    case 'kill':
      beginStop(draft, []);
      for (const [name, { phase }] of draft.instances) if (isAlivePhase(phase)) kill(draft, name, undefined);
      return;
    case 'tick':
      return;
  }
}

/** Before it was ready, and unless time may heal it: that process will never start. Otherwise it is how it ends. */
function takeFatal(draft: Draft, name: string, fatal: Fatal): void {
  const instance = draft.instances.get(name);
  if (instance === undefined || instance.phase === 'stopping') return;
  if (draft.mode !== 'starting' || instance.phase !== 'starting' || TRANSIENT_CODES.has(fatal.code)) {
    patch(draft, name, { ending: fatal.message });
    return;
  }
  const gathered = draft.moment.now + draft.policy.fatalGatherMs;
  patch(draft, name, { fatal, due: gathered });
  draft.failsAt ??= gathered;
}

function takeEnd(draft: Draft, name: string, description: string, clean: boolean): void {
  const instance = draft.instances.get(name);
  if (instance === undefined || !isAlivePhase(instance.phase)) return;
  const { now, random } = draft.moment;
  const unit = unitOf(draft, instance);
  if (!clean && instance.readyAt !== undefined && instance.pid !== undefined && unit.kind !== 'broker') {
    draft.actions.push({ type: 'died', unit: unit.name, instance: name, pid: instance.pid });
  }
  const gone = { pid: undefined, ending: undefined, readyAt: undefined };
  const expected = instance.phase === 'stopping';
  if (draft.mode === 'stopping') {
    const reason = expected ? instance.ending : description;
    enter(draft, name, instance.fatal === undefined ? 'stopped' : 'failed', gone, reason);
    return;
  }
  if (instance.byHand && expected) {
    patch(draft, name, { ...gone, deaths: 0, fatal: undefined });
    spawn(draft, name);
    return;
  }
  const healthy = instance.readyAt !== undefined && now - instance.readyAt >= draft.policy.healthyAfterMs;
  const deaths = (healthy ? 0 : instance.deaths) + 1;
  const reason = instance.fatal?.message ?? instance.ending ?? description;
  const lost =
    draft.mode === 'starting' && (instance.fatal !== undefined || deaths >= draft.policy.startAttempts);
  if (lost) {
    enter(draft, name, 'failed', { ...gone, deaths }, reason);
    draft.failsAt ??= now + draft.policy.fatalGatherMs;
    draft.failures = [...draft.failures, startFailure(name, instance, reason, deaths)];
    return;
  }
  const delayMs = backoff(draft.policy, deaths, random);
  enter(draft, name, 'backoff', { ...gone, deaths, due: now + delayMs, fatal: undefined }, reason, delayMs);
}

function startFailure(name: string, instance: InstanceState, reason: string, deaths: number): StartFailure {
  if (instance.fatal !== undefined) return { instance: name, ...instance.fatal };
  return { instance: name, code: 'crash_loop', message: `died ${deaths} times in a row, last: ${reason}` };
}

function endPhasesThatAreDue(draft: Draft): void {
  const { policy } = draft;
  for (const [name, instance] of draft.instances) {
    if (instance.due === undefined || instance.due > draft.moment.now) continue;
    switch (instance.phase) {
      case 'starting':
        kill(draft, name, instance.fatal?.message ?? `not ready within ${policy.startTimeoutMs / 1000} s`);
        break;
      case 'draining':
        kill(draft, name, `still draining after ${policy.startTimeoutMs / 1000} s`);
        break;
      case 'stopping':
        kill(draft, name, `ignored SIGTERM for ${policy.stopKillMs / 1000} s and was killed`);
        break;
      case 'backoff':
        if (draft.failsAt === undefined) spawn(draft, name);
        else patch(draft, name, { due: undefined });
        break;
      default:
        patch(draft, name, { due: undefined });
    }
  }
}

function continueStart(draft: Draft): void {
  const all = [...draft.instances.values()];
  if (draft.failsAt !== undefined) {
    const undecided = all.some((instance) => isAlivePhase(instance.phase) && instance.phase !== 'ready');
    if (!undecided || draft.moment.now >= draft.failsAt) beginStop(draft, draft.failures);
    return;
  }
  const isReady = (unit: string): boolean =>
    all.every((instance) => instance.unit !== unit || instance.phase === 'ready');
  for (const unit of draft.plan) {
    for (const name of unit.instances) {
      const waits = draft.instances.get(name)?.phase === 'waiting';
      if (waits && unit.after.every(isReady)) spawn(draft, name);
    }
  }
  if (all.every((instance) => instance.phase === 'ready')) {
    draft.mode = 'running';
    draft.actions.push({ type: 'fleet-ready' });
  }
}

function continueRollingRestarts(draft: Draft): void {
  draft.rolling = draft.rolling.flatMap((rolling) => {
    let { current, next } = rolling;
    while (current === undefined || draft.instances.get(current)?.byHand !== true) {
      [current, ...next] = next;
      if (current === undefined) return [];
      beginRestart(draft, current);
    }
    return [{ current, next }];
  });
}

function beginRestart(draft: Draft, name: string): void {
  const instance = draft.instances.get(name);
  if (instance === undefined) return;
  if (instance.phase === 'backoff') {
    patch(draft, name, { byHand: true, deaths: 0 });
    spawn(draft, name);
  } else if (isAlivePhase(instance.phase)) {
    patch(draft, name, { byHand: true });
    if (instance.phase !== 'stopping') terminate(draft, name, draft.moment.now + draft.policy.stopKillMs);
  }
}

function beginStop(draft: Draft, failures: readonly StartFailure[]): void {
  if (draft.mode === 'stopping' || draft.mode === 'stopped') return;
  const wasIdle = draft.mode === 'idle';
  Object.assign(draft, { mode: 'stopping', stopStartedAt: draft.moment.now, failures, rolling: [] });
  const killAt = draft.moment.now + draft.policy.stopKillMs;
  for (const [name, instance] of draft.instances) {
    if (instance.phase === 'waiting' || instance.phase === 'backoff') enter(draft, name, 'stopped', {});
    else if (instance.phase === 'stopping')
      patch(draft, name, { due: Math.min(instance.due ?? killAt, killAt) });
  }
  if (wasIdle) continueStop(draft);
}

function continueStop(draft: Draft): void {
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
function toldBy(state: FleetState | Draft, unit: Unit): number {
  const lastRank = Math.max(1, ...state.plan.map((other) => other.stopRank));
  return state.stopStartedAt + (state.policy.stopToldMs * unit.stopRank) / lastRank;
}

function isUntold(instance: InstanceState | undefined): boolean {
  return instance !== undefined && isAlivePhase(instance.phase) && instance.phase !== 'stopping';
}

function isGone(draft: Draft, unit: string): boolean {
  return [...draft.instances.values()].every((each) => each.unit !== unit || !isAlivePhase(each.phase));
}

function unitOf(draft: Draft, instance: InstanceState): Unit {
  const unit = draft.plan.find((each) => each.name === instance.unit);
  if (unit === undefined)
    throw new RangeError(`instance of a unit that is not in the plan: ${instance.unit}`);
  return unit;
}

function spawn(draft: Draft, name: string): void {
  const instance = draft.instances.get(name);
  if (instance === undefined) return;
  const restarts = instance.phase === 'waiting' ? 0 : instance.restarts + 1;
  enter(draft, name, 'starting', { restarts, due: draft.moment.now + draft.policy.startTimeoutMs });
  draft.actions.push({ type: 'spawn', unit: instance.unit, instance: name });
}

function terminate(draft: Draft, name: string, killAt: number): void {
  enter(draft, name, 'stopping', { due: killAt });
  draft.actions.push({ type: 'signal', instance: name, signal: 'SIGTERM' });
}

function kill(draft: Draft, name: string, ending: string | undefined): void {
  patch(draft, name, { phase: 'stopping', due: undefined, ending });
  draft.actions.push({ type: 'signal', instance: name, signal: 'SIGKILL' });
}

function enter(
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

function patch(draft: Draft, name: string, changes: Partial<InstanceState>): void {
  const instance = draft.instances.get(name);
  if (instance !== undefined) draft.instances.set(name, { ...instance, ...changes });
}

function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
