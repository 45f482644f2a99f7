/**
 * The policy of a call: every number that decides how calls to an operation are balanced, limited, retried, hedged and
 * broken off, with its default. Rules change it, from the general to the specific; see `policy-rules.ts`.
 */

/** How an instance is chosen. `consistent-hash` needs an operation with a declared `key`. */
export type Balancing = 'peak-ewma' | 'round-robin' | 'random' | 'consistent-hash';

export interface EjectionPolicy {
  readonly enabled: boolean;
  /** Failures in a row of one instance after which it is ejected (Envoy: `consecutive_5xx`). */
  readonly consecutiveFailures: number;
  /** Share of failed calls in the window at which it is ejected (Envoy: `failure_percentage_threshold`). */
  readonly failureRate: number;
  /** Calls of one instance in the window below which its rate says nothing. */
  readonly minimumCalls: number;
  readonly windowMs: number;
  /** First ejection; the next after it take two, three, … times as long. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** Largest share of a service's instances that may be ejected at once. A lone instance is never ejected. */
  readonly maxShare: number;
}

export interface BreakerPolicy {
  readonly enabled: boolean;
  /** Share of failed calls at which it opens. */
  readonly failureRate: number;
  /** Share of slow calls at which it opens. */
  readonly slowRate: number;
  /** A call is slow when it takes longer than this and than `slowFactor` times what is usual for the operation. */
  readonly slowMs: number;
  readonly slowFactor: number;
  /** Calls below which the rates say nothing. */
  readonly minimumCalls: number;
  /** What is judged: the last `windowMs`, or, where that holds fewer than `minimumCalls`, up to `maxWindowMs`. */
  readonly windowMs: number;
  readonly maxWindowMs: number;
  /** How long it stays open the first time; doubling up to `maxOpenMs` while probes fail. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Probes at a time when half-open, and successes in a row that close it. */
  readonly probes: number;
}

export interface BulkheadPolicy {
  /** Calls to a service at a time. */
  readonly concurrency: number;
  /** Calls that may wait for their turn; beyond it they are refused with `overloaded`. */
  readonly queue: number;
}

export interface RetryPolicy {
  /** Tries in all. 1: no retries. */
  readonly attempts: number;
  /** Full jitter: the wait before try n is random between 0 and min(maxMs, baseMs × 2ⁿ⁻²). */
  readonly baseMs: number;
  readonly maxMs: number;
  /** Retries as a share of calls, those of the last ten seconds; what a hundred calls allow is saved up at most. */
  readonly budget: number;
  /** Retries that are allowed before there were calls to take a share of. */
  readonly reserve: number;
}

export interface ThrottlePolicy {
  readonly enabled: boolean;
  /** Calls sent per call that an overloaded service accepts; the rest is refused here (Google SRE, "Handling Overload"). */
  readonly ratio: number;
  readonly windowMs: number;
}

export interface HedgePolicy {
  readonly enabled: boolean;
  /** A second try starts when a call takes longer than this quantile of the operation's latencies… */
  readonly quantile: number;
  /** …and at least this long. */
  readonly minMs: number;
  /** Hedges as a share of calls. */
  readonly budget: number;
}

export interface CallPolicy {
  /** Budget of a call that comes without one, in milliseconds. Where a rule says it, the most that any call has. */
  readonly deadlineMs: number;
  /** How long a call waits for an instance when none is there, as during a restart. */
  readonly waitMs: number;
  readonly balancing: Balancing;
  /** Prefer instances in the caller's own zone while one is there. */
  readonly preferZone: boolean;
  /** A new instance takes its full share only after this long. */
  readonly slowStartMs: number;
  readonly ejection: EjectionPolicy;
  readonly breaker: BreakerPolicy;
  readonly bulkhead: BulkheadPolicy;
  readonly retry: RetryPolicy;
  readonly throttle: ThrottlePolicy;
  readonly hedge: HedgePolicy;
}

export const defaultPolicy: CallPolicy = {
  deadlineMs: 10_000,
  waitMs: 3_000,
  balancing: 'peak-ewma',
  preferZone: true,
  slowStartMs: 2_000,
  ejection: {
    enabled: true,
    consecutiveFailures: 5,
    failureRate: 0.6,
    minimumCalls: 20,
    windowMs: 1_000,
    baseMs: 2_000,
    maxMs: 60_000,
    maxShare: 0.5,
  },
  breaker: {
    enabled: true,
    failureRate: 0.5,
    slowRate: 0.5,
    slowMs: 500,
    slowFactor: 5,
    minimumCalls: 10,
    windowMs: 1_000,
    maxWindowMs: 10_000,
    openMs: 500,
    maxOpenMs: 2_000,
    probes: 3,
  },
  bulkhead: { concurrency: 1_024, queue: 1_024 },
  retry: { attempts: 3, baseMs: 20, maxMs: 1_000, budget: 0.1, reserve: 4 },
  throttle: { enabled: true, ratio: 2, windowMs: 2_000 },
  hedge: { enabled: false, quantile: 0.95, minMs: 1, budget: 0.05 },
};
