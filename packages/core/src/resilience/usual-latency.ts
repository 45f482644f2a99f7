/**
 * What an operation usually takes: the mean of the first successes, then a mean that forgets with a time constant of five
 * minutes. A fault must not pass for usual while it lasts, and a service that has become slower for good must after a while.
 */

const forgetMs = 300_000;

export class UsualLatency {
  #meanMs = 0;
  #known = 0;
  #learnedAt = 0;

  /** Successes learned, counted up to `first`. */
  get known(): number {
    return this.#known;
  }

  get meanMs(): number {
    return this.#meanMs;
  }

  /** @param first how many successes make the first mean; none after them weighs more than one of these. */
  learn(latencyMs: number, now: number, first: number): void {
    let weight: number;
    if (this.#known < first) weight = 1 / ++this.#known;
    else weight = Math.max(0, Math.min(1 / first, (now - this.#learnedAt) / forgetMs));
    this.#learnedAt = now;
    this.#meanMs += weight * (latencyMs - this.#meanMs);
  }
}
