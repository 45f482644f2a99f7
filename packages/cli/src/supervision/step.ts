/**
 * Supervision as a pure function: what is known, what happened and when, to what is known then and what to do. No
 * process, clock or random number in here, so that years of crashes run in a test in a second.
 */

import { type Draft, enter, isUntold, kill, patch, spawn } from './draft.ts';
import {
  type Fatal,
  type FleetState,
  type Input,
  type InstanceState,
  isAlivePhase,
  type Moment,
  type StartFailure,
  type Step,
} from './fleet-state.ts';
import type { Unit } from './plan.ts';
import { backoff } from './policy.ts';
import {
  beginRestart,
  cancelRestart,
  continueRestarts,
  restartWake,
  takeHeard,
  takePrepared,
} from './restart-by-hand.ts';
import { beginStop, continueStop, toldBy } from './stop-sequence.ts';

/** Platform codes of a peer that is not there yet: a restart may find it. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set(['unavailable', 'overloaded', 'deadline_exceeded']);

export function step(state: FleetState, input: Input, moment: Moment): Step {
  const draft: Draft = { ...state, instances: new Map(state.instances), actions: [], moment };
  take(draft, input);
  if (draft.mode !== 'idle' && draft.mode !== 'stopped') {
    endPhasesThatAreDue(draft);
    if (draft.mode === 'starting') continueStart(draft);
    if (draft.mode === 'starting' || draft.mode === 'running') continueRestarts(draft);
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
  for (const restart of state.restarts) times.push(restartWake(restart) ?? Number.POSITIVE_INFINITY);
  if (state.mode === 'stopping') {
    for (const unit of state.plan) {
      const untold = unit.instances.some((name) => isUntold(state.instances.get(name)));
      if (untold) times.push(toldBy(state, unit));
    }
  }
  const next = Math.min(...times);
  return next === Number.POSITIVE_INFINITY ? undefined : next;
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
      enter(draft, input.instance, 'ready', { readyAt: now, byHand: undefined, fatal: undefined });
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
    case 'wedged':
      if (draft.instances.get(input.instance)?.phase !== 'ready') return;
      enter(draft, input.instance, 'stopping', {}, input.reason);
      kill(draft, input.instance, input.reason);
      return;
    case 'restart':
      if (draft.mode !== 'starting' && draft.mode !== 'running') return;
      beginRestart(draft, input.id, input.instances, input.rolling);
      return;
    case 'cancel-restart':
      cancelRestart(draft, input.id);
      return;
    case 'prepared':
      takePrepared(draft, input.instance);
      return;
    case 'heard':
      takeHeard(draft, input.instance);
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
  draft.failures = [...draft.failures, { instance: name, ...fatal }];
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
  if (instance.byHand === 'ending' && expected) {
    patch(draft, name, { ...gone, byHand: 'starting', deaths: 0, fatal: undefined });
    spawn(draft, name);
    return;
  }
  const healthy = instance.readyAt !== undefined && now - instance.readyAt >= draft.policy.healthyAfterMs;
  const deaths = (healthy ? 0 : instance.deaths) + 1;
  const reason = instance.fatal?.message ?? instance.ending ?? description;
  const lost =
    draft.mode === 'starting' && (instance.fatal !== undefined || deaths >= draft.policy.startAttempts);
  if (lost) {
    enter(draft, name, 'failed', { ...gone, deaths, lastEnd: reason }, reason);
    draft.failsAt ??= now + draft.policy.fatalGatherMs;
    if (instance.fatal === undefined) draft.failures = [...draft.failures, crashLoop(name, deaths, reason)];
    return;
  }
  const delayMs = backoff(draft.policy, deaths, random);
  const waits = { deaths, due: now + delayMs, fatal: undefined, lastEnd: reason };
  enter(draft, name, 'backoff', { ...gone, ...waits }, reason, delayMs);
}

function crashLoop(instance: string, deaths: number, reason: string): StartFailure {
  return { instance, code: 'crash_loop', message: `died ${deaths} times in a row, last: ${reason}` };
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

function unitOf(draft: Draft, instance: InstanceState): Unit {
  const unit = draft.plan.find((each) => each.name === instance.unit);
  if (unit === undefined)
    throw new RangeError(`instance of a unit that is not in the plan: ${instance.unit}`);
  return unit;
}
