/**
 * Latency of one instance as Finagle's peak EWMA balancer sees it: it jumps to a higher latency at once, and forgets
 * with a time constant. An instance that turns slow is avoided after one answer; it is trusted again only slowly.
 * It also fades while nothing is observed, so that an instance that is no longer chosen is tried again some time.
 */

/** Finagle's default decay time, in milliseconds. */
const defaultTauMs = 10_000;

export class PeakEwma {
  readonly #tauMs: number;
  #latencyMs = 0;
  #observedAt = 0;

  /** @param tauMs time constant: after so long, a peak counts for 1/e of itself. */
  constructor(tauMs = defaultTauMs) {
    this.#tauMs = tauMs;
  }

  /** An answer came after `latencyMs`. */
  observe(latencyMs: number, now: number): void {
    const remaining = this.#remaining(now);
    const faded = this.#latencyMs * remaining;
    this.#latencyMs = latencyMs >= faded ? latencyMs : faded + latencyMs * (1 - remaining);
    this.#observedAt = now;
  }

  /** Milliseconds; 0 as long as nothing was observed. */
  at(now: number): number {
    return this.#latencyMs * this.#remaining(now);
  }

  #remaining(now: number): number {
    const age = now - this.#observedAt;
    return age > 0 ? Math.exp(-age / this.#tauMs) : 1;
  }
}
