/**
 * Finds the sick instance among healthy ones by its answers, and takes it out of the choice for a while, even when its
 * heartbeats are fine. After Envoy's outlier detection: failures in a row and the share of failures in a window lead to an
 * ejection that takes longer each time, and only a share of a service's instances may be out at once. Envoy judges rates
 * every ten seconds; here every failure is judged at once.
 */
import type { EjectionPolicy } from './policy.ts';
import { RollingCounts } from './rolling-counts.ts';

const CALLS = 0;
const FAILURES = 1;

/** Of one instance. */
export class OutlierDetector {
  #policy: EjectionPolicy;
  #counts: RollingCounts;
  #consecutive = 0;
  #ejections = 0;
  #ejectedUntil = Number.NEGATIVE_INFINITY;

  constructor(policy: EjectionPolicy) {
    this.#policy = policy;
    this.#counts = new RollingCounts(2, policy.windowMs);
  }

  get policy(): EjectionPolicy {
    return this.#policy;
  }

  /** Takes effect at once. A window of another length begins empty. */
  set policy(policy: EjectionPolicy) {
    if (policy.windowMs !== this.#policy.windowMs) this.#counts = new RollingCounts(2, policy.windowMs);
    this.#policy = policy;
  }

  /** The factor by which the last ejection was longer than the first. */
  get ejections(): number {
    return this.#ejections;
  }

  /** When the last ejection ends or ended; -Infinity without one. */
  get ejectedUntil(): number {
    return this.#ejectedUntil;
  }

  succeeded(now: number): void {
    this.#consecutive = 0;
    this.#counts.add(now, CALLS);
  }

  /** True when the instance should be ejected; whether it may, says `mayEject`. */
  failed(now: number): boolean {
    this.#consecutive++;
    this.#counts.add(now, CALLS);
    this.#counts.add(now, FAILURES);
    const { enabled, consecutiveFailures, minimumCalls, failureRate } = this.#policy;
    if (!enabled || this.isEjected(now)) return false;
    if (this.#consecutive >= consecutiveFailures) return true;
    const calls = this.#counts.sum(now, CALLS);
    return calls >= minimumCalls && this.#counts.sum(now, FAILURES) >= failureRate * calls;
  }

  /**
   * The n-th ejection takes n × `baseMs`, at most `maxMs`. n goes down by one for each n × `baseMs` that pass without
   * one. The past is not held against the instance when it comes back.
   */
  eject(now: number): void {
    const { baseMs, maxMs } = this.#policy;
    let quietMs = now - this.#ejectedUntil;
    while (this.#ejections > 0 && quietMs >= this.#ejections * baseMs) {
      quietMs -= this.#ejections * baseMs;
      this.#ejections--;
    }
    this.#ejections++;
    this.#ejectedUntil = now + Math.min(this.#ejections * baseMs, maxMs);
    this.#forget();
  }

  isEjected(now: number): boolean {
    return now < this.#ejectedUntil && this.#policy.enabled;
  }

  #forget(): void {
    this.#consecutive = 0;
    this.#counts.clear();
  }
}

/**
 * Whether one more of `total` instances may be ejected. As with Envoy, one always may, however small the share; but never
 * the last that is left.
 */
export function mayEject(total: number, ejected: number, policy: EjectionPolicy): boolean {
  if (!policy.enabled) return false;
  const most = Math.min(total - 1, Math.max(1, Math.floor(total * policy.maxShare)));
  return ejected < most;
}
