/**
 * What turns monotonic times into Unix times. Spans measure with the monotonic clock, but those of several processes are
 * laid side by side: a process that has run for weeks, or whose machine slept, must not be seconds behind.
 */

/** How long an anchor holds. */
const ANCHOR_MS = 30_000;
/** `Date.now()` has whole milliseconds: a smaller difference is none, and the finer origin of the process stays. */
const TOLERANCE_MS = 2;

export class WallClock {
  readonly #unixNow: () => number;
  #offset: number;
  #dueAt: number;

  /**
   * @param origin Unix milliseconds at the monotonic time 0.
   * @param now monotonic milliseconds.
   * @param unixNow Unix milliseconds.
   */
  constructor(origin: number, now: number, unixNow: () => number) {
    this.#unixNow = unixNow;
    this.#offset = origin;
    this.#dueAt = now;
  }

  /** What to add to a monotonic time; `now` is one that has just passed. */
  offsetAt(now: number): number {
    if (now >= this.#dueAt) this.#anchor(now);
    return this.#offset;
  }

  #anchor(now: number): void {
    const measured = this.#unixNow() - now;
    if (Math.abs(measured - this.#offset) > TOLERANCE_MS) this.#offset = measured;
    this.#dueAt = now + ANCHOR_MS;
  }
}
