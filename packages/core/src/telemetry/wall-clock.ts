/**
 * What turns monotonic times into Unix times. Spans measure with the monotonic clock, but those of several processes are
 * laid side by side: a process that has run for weeks, or whose machine slept, must not be seconds behind.
 */

/** How long an anchor holds. */
const ANCHOR_MS = 30_000;
/** `Date.now()` has whole milliseconds: a smaller difference is none, and the finer origin of the process stays. */
const TOLERANCE_MS = 2;

export class WallClock {
  readonly #now: () => number;
  readonly #unixNow: () => number;
  #offset: number;
  #dueAt: number;

  /**
   * @param origin Unix milliseconds at the monotonic time 0.
   * @param now monotonic milliseconds.
   * @param unixNow Unix milliseconds.
   */
  constructor(origin: number, now: () => number, unixNow: () => number) {
    this.#now = now;
    this.#unixNow = unixNow;
    this.#offset = origin;
    this.#dueAt = now() + ANCHOR_MS;
  }

  /** What to add to a monotonic time. */
  offsetAt(time: number): number {
    if (time >= this.#dueAt) this.#anchor();
    return this.#offset;
  }

  #anchor(): void {
    const now = this.#now();
    if (now < this.#dueAt) return;
    const measured = this.#unixNow() - now;
    if (Math.abs(measured - this.#offset) > TOLERANCE_MS) this.#offset = measured;
    this.#dueAt = now + ANCHOR_MS;
  }
}
