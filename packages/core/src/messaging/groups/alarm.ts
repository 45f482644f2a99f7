/**
 * One timer for several who wait for a moment. All whose moment has come are woken in one turn of the event loop, so that what
 * they send leaves in one write. It keeps no process alive.
 */
export class Alarm {
  readonly #now: () => number;
  readonly #dueAt = new Map<() => void, number>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param now monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Calls `wake` once, at `at` and not before; instead of any earlier wish of its own. `Infinity`: not at all. */
  set(wake: () => void, at: number): void {
    if (at === Number.POSITIVE_INFINITY) this.#dueAt.delete(wake);
    else this.#dueAt.set(wake, at);
    this.#arm();
  }

  #arm(): void {
    const at = Math.min(Number.POSITIVE_INFINITY, ...this.#dueAt.values());
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#ring(), Math.max(0, Math.ceil(at - this.#now()))).unref();
  }

  #ring(): void {
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#now();
    const due = [...this.#dueAt].filter(([, at]) => at <= now);
    for (const [wake] of due) this.#dueAt.delete(wake);
    for (const [wake] of due) wake();
    this.#arm();
  }
}
