/**
 * One coarse timer for all deadlines of a connection. Nearly every call ends before its deadline, so a call costs one
 * comparison here and nothing when it ends; when the timer fires, the owner looks through what is still in flight.
 */

/** Deadlines this close together share one firing. A deadline is met this late at most, beside the event loop's own delay. */
const COARSE_MS = 2;

export class DeadlineTimer {
  readonly #expire: (now: number) => number;
  readonly #clock: () => number;
  readonly #fire = () => {
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock();
    const next = this.#expire(now);
    if (next !== Number.POSITIVE_INFINITY) this.#arm(next, now);
  };
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;

  /** `expire` ends everything due at `now` and returns the earliest deadline that remains, or Infinity. */
  constructor(expire: (now: number) => number, clock: () => number = () => performance.now()) {
    this.#expire = expire;
    this.#clock = clock;
  }

  /** Something is due at `due`, in milliseconds of the clock. */
  watch(due: number, now: number): void {
    if (due < this.#firesAt - COARSE_MS) this.#arm(due, now);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #arm(due: number, now: number): void {
    clearTimeout(this.#timer);
    const delay = Math.max(COARSE_MS, Math.ceil(due - now));
    this.#firesAt = now + delay;
    // Longer than a timer can wait: fire early, find nothing due, and wait again.
    this.#timer = setTimeout(this.#fire, Math.min(delay, 0x7fff_ffff));
  }
}
