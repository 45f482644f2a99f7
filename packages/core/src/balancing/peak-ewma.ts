/**
 * Latency of one instance as Finagle's peak EWMA balancer sees it: it jumps to a higher latency at once, and forgets
 * with a time constant. An instance that turns slow is avoided after one answer; it is trusted again only slowly.
 *
 * Unlike there, what has not been observed for a second is forgotten ten times as fast: an instance whose first, cold call
 * took a hundred times as long as the others' would at a low load be without calls for most of a minute.
 */

/** Finagle's default decay time, in milliseconds. */
const defaultTauMs = 10_000;
const freshMs = 1_000;
const staleTauMs = 1_000;

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
    if (age <= 0) return 1;
    const exponent = age / this.#tauMs;
    return Math.exp(age <= freshMs ? -exponent : -exponent - (age - freshMs) / staleTauMs);
  }
}
