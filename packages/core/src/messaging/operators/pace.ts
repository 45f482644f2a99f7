/** Keeps a rate: the n-th thing does not happen before its time. What was late is not made up for by a burst. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Pace {
  readonly #intervalMs: number;
  #nextMs = 0;

  /** @param perSecond undefined: as fast as it goes. */
  constructor(perSecond: number | undefined) {
    this.#intervalMs = perSecond === undefined ? 0 : 1_000 / perSecond;
  }

  /** How long to wait from `nowMs` on; takes the turn. */
  take(nowMs: number): number {
    const at = Math.max(this.#nextMs, nowMs);
    this.#nextMs = at + this.#intervalMs;
    return at - nowMs;
  }

  /** Resolves when the next thing may happen; at once when the signal says to stop. */
  async turn(signal?: AbortSignal): Promise<void> {
    if (this.#intervalMs === 0) return;
    const ms = this.take(performance.now());
    // Timers count whole milliseconds: what is due within this one is due.
    if (ms < 1 || signal?.aborted) return;
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}
