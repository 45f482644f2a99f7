/**
 * Holds calls back for as long as an injected latency lasts, and not a moment longer: a call leaves early when a fault that
 * holds it ends, when its caller gives up, when its deadline passes or when its connection is gone.
 */
import type { Fault } from './fault.ts';
import type { InjectedDelay } from './injection.ts';

export type GaveUp = 'deadline' | 'cancelled' | 'closed';

/** Hears one of the two, once, and never before `hold` has returned. Must not throw. */
export interface Waiter {
  /** The call goes on, after `waitedMs`. */
  passed(waitedMs: number): void;
  gaveUp(why: GaveUp): void;
}

export interface HoldLimits {
  readonly deadlineMs?: number | undefined;
  /** Must not have aborted. */
  readonly signal?: AbortSignal | undefined;
}

export class LatencyGate {
  readonly #held = new Set<HeldCall>();

  /** Calls that are held now. */
  get size(): number {
    return this.#held.size;
  }

  hold(delays: readonly InjectedDelay[], limits: HoldLimits, waiter: Waiter): HeldCall {
    const call = new HeldCall(this.#held, delays, limits, waiter);
    this.#held.add(call);
    return call;
  }

  /** Lets go what only faults held that are not among `active`. */
  keep(active: readonly Fault[]): void {
    for (const call of [...this.#held]) call.keep(active);
  }

  /** The connection is gone: no held call can go on. */
  close(): void {
    for (const call of [...this.#held]) call.end('closed');
  }
}

export class HeldCall {
  readonly #held: Set<HeldCall>;
  readonly #startedAt = performance.now();
  readonly #waiter: Waiter;
  readonly #limits: HoldLimits;
  #delays: readonly InjectedDelay[];
  #timer: NodeJS.Timeout | undefined;

  constructor(held: Set<HeldCall>, delays: readonly InjectedDelay[], limits: HoldLimits, waiter: Waiter) {
    this.#held = held;
    this.#delays = delays;
    this.#limits = limits;
    this.#waiter = waiter;
    limits.signal?.addEventListener('abort', this);
    this.#wait();
  }

  /** Forgets the call; the waiter hears nothing more. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#limits.signal?.removeEventListener('abort', this);
    this.#held.delete(this);
  }

  handleEvent(): void {
    this.end('cancelled');
  }

  end(why: GaveUp): void {
    if (!this.#held.has(this)) return;
    this.cancel();
    this.#waiter.gaveUp(why);
  }

  keep(active: readonly Fault[]): void {
    const left = this.#delays.filter(({ fault }) => active.includes(fault));
    if (left.length === this.#delays.length) return;
    this.#delays = left;
    clearTimeout(this.#timer);
    this.#wait();
  }

  #wait(): void {
    const delayMs = this.#delays.reduce((sum, { ms }) => sum + ms, 0);
    const { deadlineMs = Number.POSITIVE_INFINITY } = this.#limits;
    const dueMs = Math.min(delayMs, deadlineMs) - (performance.now() - this.#startedAt);
    this.#timer = setTimeout(
      () => {
        if (delayMs >= deadlineMs) return this.end('deadline');
        this.cancel();
        this.#waiter.passed(performance.now() - this.#startedAt);
      },
      Math.max(0, dueMs),
    );
  }
}
