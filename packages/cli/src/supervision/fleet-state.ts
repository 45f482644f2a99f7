/** What supervision knows, what it is told, and what it asks for: the vocabulary of `step`. */

import type { Plan } from './plan.ts';
import type { Policy } from './policy.ts';
import type { Restart, RestartProgress } from './restart.ts';

/**
 * - `waiting`: for the services it is `after`
 * - `starting`: spawned, not yet ready
 * - `draining`: stops of its own accord, finishing what it has
 * - `stopping`: told to stop or killed by us
 * - `backoff`: died; waits for its restart
 * - `failed`: cannot start, or not again (the fleet stops for it)
 * - `stopped`: gone because the fleet stops
 */
export type Phase =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'draining'
  | 'stopping'
  | 'backoff'
  | 'failed'
  | 'stopped';

/** Why a process cannot start, in its own words. */
export interface Fatal {
  readonly message: string;
  readonly code: string;
  readonly repair?: string;
}

export interface InstanceState {
  readonly unit: string;
  readonly phase: Phase;
  readonly pid: number | undefined;
  /** When the phase began. */
  readonly since: number;
  /** When the phase must end: start timeout, end of the backoff, SIGKILL. */
  readonly due: number | undefined;
  /** Times it was spawned after the first. */
  readonly restarts: number;
  /** Deaths in a row since it was last healthy. */
  readonly deaths: number;
  /** When it last became ready; undefined once it ended. */
  readonly readyAt: number | undefined;
  /** Why it is killed or told to stop, kept for the report of its end. */
  readonly ending: string | undefined;
  /** An operator asked for its restart, and it is not ready again yet. Its end is no death while it is `ending`. */
  readonly byHand: 'ending' | 'starting' | undefined;
  readonly fatal: Fatal | undefined;
  /** Why it ended the last time that nobody had asked it to. */
  readonly lastEnd: string | undefined;
}

export interface StartFailure {
  readonly instance: string;
  readonly message: string;
  readonly code: string;
  readonly repair?: string;
}

export type Mode = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped';

export interface FleetState {
  readonly plan: Plan;
  readonly policy: Policy;
  readonly mode: Mode;
  readonly instances: ReadonlyMap<string, InstanceState>;
  readonly startedAt: number;
  readonly stopStartedAt: number;
  /** Set when the start is lost: the failures are gathered until then. */
  readonly failsAt: number | undefined;
  readonly failures: readonly StartFailure[];
  readonly restarts: readonly Restart[];
}

export type Input =
  | { readonly type: 'start' }
  | { readonly type: 'spawned'; readonly instance: string; readonly pid: number }
  | { readonly type: 'ready'; readonly instance: string }
  | { readonly type: 'draining'; readonly instance: string }
  | { readonly type: 'fatal'; readonly instance: string; readonly fatal: Fatal }
  /** `description`: how it ended, e.g. "killed by SIGKILL". `clean`: with exit code 0. A failed spawn is an end too. */
  | {
      readonly type: 'exited';
      readonly instance: string;
      readonly description: string;
      readonly clean: boolean;
    }
  /** It does not answer any more, and never will. */
  | { readonly type: 'wedged'; readonly instance: string; readonly reason: string }
  | {
      readonly type: 'restart';
      readonly id: number;
      readonly instances: readonly string[];
      readonly rolling: boolean;
    }
  | { readonly type: 'cancel-restart'; readonly id: number }
  /** What was asked for by `prepare` is done. */
  | { readonly type: 'prepared'; readonly instance: string }
  /** Discovery knows an instance that is ready. */
  | { readonly type: 'heard'; readonly instance: string }
  | { readonly type: 'stop' }
  | { readonly type: 'kill' }
  | { readonly type: 'tick' };

export type Action =
  | { readonly type: 'spawn'; readonly unit: string; readonly instance: string }
  | { readonly type: 'signal'; readonly instance: string; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** For people and for `--json`: an instance changed its phase. */
  | {
      readonly type: 'changed';
      readonly unit: string;
      readonly instance: string;
      readonly phase: Phase;
      readonly reason?: string;
      /** Until its restart. */
      readonly delayMs?: number;
    }
  /** It ended without saying goodbye: callers must learn of it from us. */
  | { readonly type: 'died'; readonly unit: string; readonly instance: string; readonly pid: number }
  /** Its successor can load its code now, to be quick later. */
  | { readonly type: 'prepare'; readonly unit: string; readonly instance: string }
  | {
      readonly type: 'restart';
      readonly id: number;
      readonly rolling: boolean;
      readonly progress: RestartProgress;
    }
  | { readonly type: 'fleet-ready' }
  | { readonly type: 'fleet-stopped'; readonly failures: readonly StartFailure[] };

/** The outside world, sampled once per step. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** From 0 (inclusive) to 1. */
  readonly random: number;
}

export interface Step {
  readonly state: FleetState;
  readonly actions: readonly Action[];
}

export function initialState(plan: Plan, policy: Policy): FleetState {
  const instances = new Map<string, InstanceState>();
  for (const unit of plan) {
    for (const instance of unit.instances) {
      instances.set(instance, {
        unit: unit.name,
        phase: 'waiting',
        pid: undefined,
        since: 0,
        due: undefined,
        restarts: 0,
        deaths: 0,
        readyAt: undefined,
        ending: undefined,
        byHand: undefined,
        fatal: undefined,
        lastEnd: undefined,
      });
    }
  }
  return {
    plan,
    policy,
    mode: 'idle',
    instances,
    startedAt: 0,
    stopStartedAt: 0,
    failsAt: undefined,
    failures: [],
    restarts: [],
  };
}

/** Whether a process exists (or is about to) in this phase. */
export function isAlivePhase(phase: Phase): boolean {
  return phase === 'starting' || phase === 'ready' || phase === 'draining' || phase === 'stopping';
}
