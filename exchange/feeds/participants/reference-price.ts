/**
 * What an instrument is worth over time, in ticks: a random walk that is drawn back to an anchor, or an external mid
 * price where there is one.
 */

import type { Random } from './random.ts';

export interface ReferencePriceOptions {
  /** Where the walk begins and what it is drawn to. At least 20 ticks. */
  readonly anchor: number;
  /** Ticks of one step. Default a 20,000th of the anchor, at least 1. */
  readonly stepTicks?: number;
  /** Milliseconds between steps. Default 400, and up to 2000 where a single tick is a long step. */
  readonly stepMs?: number;
  /** How far from the anchor the walk gets, in ticks. Default a 50th of the anchor, at least 10; at most half of it. */
  readonly range?: number;
  readonly random: Random;
}

/** A step of this part of the price, 0.005 %, some times a second is about how far a lively market moves. */
const STEP_PART = 20_000;
/** After a pause longer than this (a suspended machine) the walk goes on from where it was instead of catching up. */
const MAX_CATCH_UP_MS = 60_000;

export class ReferencePrice {
  readonly #stepTicks: number;
  readonly #stepMs: number;
  readonly #range: number;
  readonly #random: Random;
  #anchor: number;
  #ticks: number;
  #steppedAt: number | undefined;

  constructor(options: ReferencePriceOptions) {
    const { anchor, random } = options;
    const step = anchor / STEP_PART;
    const stepTicks = options.stepTicks ?? Math.max(1, Math.round(step));
    const stepMs = options.stepMs ?? Math.round(Math.min(2_000, 400 * Math.max(1, stepTicks / step)));
    const range = options.range ?? Math.max(10, Math.round(anchor / 50));
    const sound = [anchor, stepTicks, stepMs, range].every((value) => Number.isInteger(value) && value > 0);
    if (!sound || range * 2 > anchor || stepTicks > range) {
      throw new RangeError(
        `a walk of ${stepTicks} ticks every ${stepMs} ms within ${range} of ${anchor}: ` +
          'give positive whole numbers, a range of at most half the anchor, and a step of at most the range',
      );
    }
    this.#stepTicks = stepTicks;
    this.#range = range;
    this.#stepMs = stepMs;
    this.#random = random;
    this.#anchor = anchor;
    this.#ticks = anchor;
  }

  /** The price now, in ticks. The path depends on the time passed alone, not on how often it is asked for. */
  at(now: number): number {
    this.#steppedAt ??= now;
    if (now - this.#steppedAt > MAX_CATCH_UP_MS) this.#steppedAt = now - MAX_CATCH_UP_MS;
    for (; this.#steppedAt + this.#stepMs <= now; this.#steppedAt += this.#stepMs) this.#step();
    return this.#ticks;
  }

  /**
   * Takes an external mid price, in ticks, in place of the walk. When no more come, the walk goes on from the last
   * one. One that is no positive whole number, or too low to walk around, is left aside.
   */
  follow(mid: number, now: number): void {
    if (!Number.isSafeInteger(mid) || mid < 2 * this.#range) return;
    this.#anchor = mid;
    this.#ticks = mid;
    this.#steppedAt = now;
  }

  #step(): void {
    // At the anchor up and down are even; at the end of the range the only way is back.
    const up = this.#random.below(2 * this.#range) < this.#range - (this.#ticks - this.#anchor);
    const ticks = this.#ticks + (up ? this.#stepTicks : -this.#stepTicks);
    const low = this.#anchor - this.#range;
    const high = this.#anchor + this.#range;
    this.#ticks = Math.min(high, Math.max(low, ticks));
  }
}
