/**
 * Time in which this process was not let run: the machine was busy with others, or the process was stopped. It says
 * nothing of the load of this server, so it must not count as waiting, or a hiccup of the machine would be answered with
 * refusals.
 *
 * Told by the CPU time used: an event loop that is late because handlers had it has used that time; one that was starved
 * has not.
 */

import { usedCpuMs } from './cpu-share.ts';

/** Lateness that is worth a look, in milliseconds. */
const lateMs = 30;

export class Starvation {
  readonly #cpuMs: () => number;
  #seenAt = Number.NaN;
  #cpuAt = 0;

  /** Milliseconds in all, since the beginning. */
  lostMs = 0;

  /** @param cpuMs CPU time used by this process so far, in milliseconds. */
  constructor(cpuMs: () => number = usedCpuMs) {
    this.#cpuMs = cpuMs;
  }

  /** To be called again and again, much more often than every 30 ms, while it matters. */
  look(now: number): void {
    this.reckon(now);
    this.#seenAt = now;
    this.#cpuAt = this.#cpuMs();
  }

  /** Accounts for a delay since the last look, if there was one. */
  reckon(now: number): void {
    const lateBy = now - this.#seenAt;
    if (!(lateBy > lateMs)) return;
    const cpuMs = this.#cpuMs();
    this.lostMs += Math.max(0, lateBy - (cpuMs - this.#cpuAt));
    this.#seenAt = now;
    this.#cpuAt = cpuMs;
  }

  /** It does not matter for now: what passes until the next look is not accounted for. */
  rest(): void {
    this.#seenAt = Number.NaN;
  }
}
