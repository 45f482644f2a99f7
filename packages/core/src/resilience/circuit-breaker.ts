/**
 * Breaks off calls that are bound to fail, so that they fail at once and cost the sick service nothing. States, rates of
 * failed and slow calls, minimum of calls and half-open probes are those of resilience4j's CircuitBreaker with its
 * time-based sliding window. It differs where a fault would go on after its end:
 *
 * - a call counts as slow when it passes the limit, not when it ends, so that a service that hangs is noticed;
 * - a call speaks only for the state in which it was admitted. What hung before the breaker opened, or was a probe of an
 *   earlier half-open state, neither counts nor takes a probe's place (resilience4j stays half-open while probes hang).
 *
 * About 20 ns for a call that is admitted and succeeds.
 */
import type { BreakerPolicy } from './policy.ts';
import { RollingCounts } from './rolling-counts.ts';
import { UsualLatency } from './usual-latency.ts';

export type BreakerState = 'closed' | 'open' | 'half_open';

/**
 * What a call was told by `admit`, to be handed back with its outcome: 0 if it was refused, else a number that tells call
 * from probe and names the state in which it was admitted.
 */
export type Admission = number;

export const refused: Admission = 0;

export function isProbe(admission: Admission): boolean {
  return (admission & 1) === 1;
}

export type BreakerListener = (from: BreakerState, to: BreakerState, now: number) => void;

export interface BreakerCounts {
  readonly calls: number;
  readonly failures: number;
  readonly slow: number;
}

const CALLS = 0;
const FAILURES = 1;
const SLOW = 2;

export class CircuitBreaker {
  #policy: BreakerPolicy;
  readonly #onChange: BreakerListener | undefined;
  readonly #usual = new UsualLatency();
  #counts: RollingCounts;
  #state: BreakerState = 'closed';
  #forced: 'open' | 'closed' | undefined;
  /** Counts the states it has been in; part of every admission. */
  #epoch = 1;
  #openMs = 0;
  #openUntil = 0;
  #probing = 0;
  #passed = 0;
  #lastBadAt = Number.NEGATIVE_INFINITY;

  constructor(policy: BreakerPolicy, onChange?: BreakerListener) {
    this.#policy = policy;
    this.#onChange = onChange;
    this.#counts = windowsOf(policy);
  }

  get policy(): BreakerPolicy {
    return this.#policy;
  }

  /** Takes effect at once. Windows of another length begin empty. */
  set policy(policy: BreakerPolicy) {
    const { windowMs, maxWindowMs } = this.#policy;
    this.#policy = policy;
    if (policy.windowMs !== windowMs || policy.maxWindowMs !== maxWindowMs) this.#counts = windowsOf(policy);
  }

  /** A forced state wins. A breaker whose time to probe has come is `open` until the next call. */
  get state(): BreakerState {
    return this.#forced ?? (this.#policy.enabled ? this.#state : 'closed');
  }

  get forced(): 'open' | 'closed' | undefined {
    return this.#forced;
  }

  /** Whether a call may go. One that may must be reported exactly once: succeeded, failed or released. */
  admit(now: number): Admission {
    if (this.#forced === undefined && this.#state !== 'closed') return this.#admitWhileOpen(now);
    return this.#forced === 'open' ? refused : this.#epoch * 2;
  }

  succeeded(admission: Admission, latencyMs: number, now: number): void {
    const slowAfterMs = this.slowAfterMs;
    const slow = latencyMs >= slowAfterMs;
    this.#usual.learn(slow ? slowAfterMs : latencyMs, now, this.#policy.minimumCalls);
    if (admission >> 1 !== this.#epoch) return;
    if (!isProbe(admission)) this.#count(now, false, slow);
    else if (slow) this.#reopen(now);
    else this.#probePassed(now);
  }

  failed(admission: Admission, now: number): void {
    if (admission >> 1 !== this.#epoch) return;
    if (isProbe(admission)) this.#reopen(now);
    else this.#count(now, true, false);
  }

  /**
   * The call has passed `slowAfterMs` and is still in flight. To be told once; when the call ends, it is `released`. Is
   * learned as a call that was just slow, so that a service which has become slower for good is taken again in minutes.
   */
  slow(admission: Admission, now: number): void {
    const slowAfterMs = this.slowAfterMs;
    if (slowAfterMs !== Number.POSITIVE_INFINITY) {
      this.#usual.learn(slowAfterMs, now, this.#policy.minimumCalls);
    }
    if (admission >> 1 !== this.#epoch) return;
    if (isProbe(admission)) this.#reopen(now);
    else this.#count(now, false, true);
  }

  /** The call has ended and says nothing: it was cancelled, refused as `overloaded`, or is counted as slow already. */
  released(admission: Admission): void {
    if (admission >> 1 === this.#epoch && isProbe(admission)) this.#probing--;
  }

  /** What failed so far was the doing of an instance that gets no more calls: it says nothing of those that are left. */
  forgiveFailures(): void {
    this.#counts.takeBack(FAILURES);
  }

  /** Milliseconds after which a call counts as slow; Infinity until `minimumCalls` successes are known. */
  get slowAfterMs(): number {
    const { slowMs, slowFactor, minimumCalls } = this.#policy;
    if (this.#usual.known < minimumCalls) return Number.POSITIVE_INFINITY;
    return Math.max(slowMs, slowFactor * this.#usual.meanMs);
  }

  /**
   * Milliseconds for which a caller has to wait for a deadline to tell of the operation: one that is shorter is the caller's
   * impatience. Callers rarely have as much patience as it takes for a call to be slow, so it is `slowFactor` times what is
   * usual, and at least a fifth of `slowMs`; 0 until `minimumCalls` successes are known.
   */
  get patienceMs(): number {
    const { slowMs, slowFactor, minimumCalls } = this.#policy;
    if (this.#usual.known < minimumCalls) return 0;
    return Math.max(slowMs / 5, slowFactor * this.#usual.meanMs);
  }

  /** Milliseconds after which a refused call may be worth another try. */
  retryAfterMs(now: number): number {
    if (this.state === 'closed') return 0;
    if (this.#forced) return this.#policy.maxOpenMs;
    return this.#state === 'open' ? Math.max(0, this.#openUntil - now) : this.#policy.openMs;
  }

  /** Holds it open or closed until told otherwise; `undefined` lets it decide again, from closed and without a past. */
  force(state: 'open' | 'closed' | undefined, now: number): void {
    if (state === this.#forced) return;
    const before = this.state;
    this.#forced = state;
    this.#enter('closed');
    if (before !== this.state) this.#onChange?.(before, this.state, now);
  }

  /** What the rates are taken of now. */
  counts(now: number): BreakerCounts {
    const [calls = 0, failures = 0, slow = 0] = this.#counts.reachBack(now, this.#policy.minimumCalls);
    return { calls, failures, slow };
  }

  #admitWhileOpen(now: number): Admission {
    if (!this.#policy.enabled) {
      this.#change('closed', now);
      return this.#epoch * 2;
    }
    if (this.#state === 'open') {
      if (now < this.#openUntil) return refused;
      this.#change('half_open', now);
    }
    if (this.#probing >= this.#policy.probes) return refused;
    this.#probing++;
    return this.#epoch * 2 + 1;
  }

  #count(now: number, failed: boolean, slow: boolean): void {
    this.#counts.add(now, CALLS);
    if (failed) this.#counts.add(now, FAILURES);
    if (slow) this.#counts.add(now, SLOW);
    if (failed || slow) this.#lastBadAt = now;
    else if (now - this.#lastBadAt > this.#policy.maxWindowMs) return;
    this.#judge(now);
  }

  /** A success may open it too: the one that makes the minimum of calls. */
  #judge(now: number): void {
    const { enabled, minimumCalls, failureRate, slowRate, openMs } = this.#policy;
    if (!enabled || this.#forced) return;
    const counts = this.#counts.reachBack(now, minimumCalls);
    const calls = counts[CALLS]!;
    if (calls < minimumCalls) return;
    if (!reaches(counts[FAILURES]!, calls, failureRate) && !reaches(counts[SLOW]!, calls, slowRate)) return;
    this.#openMs = openMs;
    this.#openUntil = now + openMs;
    this.#change('open', now);
  }

  #probePassed(now: number): void {
    this.#probing--;
    if (++this.#passed >= this.#policy.probes) this.#change('closed', now);
  }

  #reopen(now: number): void {
    this.#openMs = Math.min(this.#openMs * 2, Math.max(this.#policy.openMs, this.#policy.maxOpenMs));
    this.#openUntil = now + this.#openMs;
    this.#change('open', now);
  }

  #change(to: BreakerState, now: number): void {
    const from = this.#state;
    this.#enter(to);
    this.#onChange?.(from, to, now);
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#epoch++;
    this.#probing = 0;
    this.#passed = 0;
    this.#lastBadAt = Number.NEGATIVE_INFINITY;
    this.#counts.clear();
  }
}

function reaches(part: number, whole: number, share: number): boolean {
  return part > 0 && part >= share * whole;
}

function windowsOf({ windowMs, maxWindowMs }: BreakerPolicy): RollingCounts {
  return new RollingCounts(3, windowMs, maxWindowMs);
}
