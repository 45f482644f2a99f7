/**
 * Follows moves: when the price is well above or below where it was some seconds ago, takes a little in that direction;
 * when nothing moves any more, takes its position off again. It makes trades come in runs, as real ones do.
 */

import { type Action, type Participant, room, type Side, type View } from './action.ts';
import { clientOrderIds } from './client-order-ids.ts';
import type { Random } from './random.ts';

export interface MomentumTraderOptions {
  readonly name: string;
  readonly symbol: string;
  readonly epoch: string;
  readonly random: Random;
  /** Largest order, in lots. */
  readonly size: number;
  /** A move of this many ticks within the lookback is one to follow. Also how much worse than best it may pay. */
  readonly threshold: number;
  /** Default 3000. */
  readonly lookbackMs?: number;
  /** Least time between two orders. Default 1500. */
  readonly pauseMs?: number;
  /** Bound of the position, in lots. Default 15 times the size. */
  readonly maxPosition?: number;
}

/** Samples per lookback; the signal is that coarse. */
const SAMPLES = 10;

export class MomentumTrader implements Participant {
  readonly name: string;
  readonly symbol: string;
  readonly #random: Random;
  readonly #nextId: () => string;
  readonly #size: number;
  readonly #threshold: number;
  readonly #sampleMs: number;
  readonly #pauseMs: number;
  readonly #maxPosition: number;
  /** Twice the mid price, which keeps it whole; the oldest first. */
  #samples: number[] = [];
  #sampledAt = Number.NEGATIVE_INFINITY;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(options: MomentumTraderOptions) {
    const { name, symbol, epoch, random, size, threshold, lookbackMs = 3_000, pauseMs = 1_500 } = options;
    this.name = name;
    this.symbol = symbol;
    this.#random = random;
    this.#nextId = clientOrderIds(name, epoch);
    this.#size = size;
    this.#threshold = threshold;
    this.#sampleMs = lookbackMs / SAMPLES;
    this.#pauseMs = pauseMs;
    this.#maxPosition = options.maxPosition ?? 15 * size;
    const numbers = [size, threshold, lookbackMs, pauseMs, this.#maxPosition];
    if (!numbers.every((value) => Number.isInteger(value) && value > 0)) {
      throw new RangeError(`${name}: size, threshold, times and position must be positive whole numbers`);
    }
  }

  decide(view: View): Action[] {
    const { now, bestBid, bestAsk, own, position } = view;
    if (bestBid === undefined || bestAsk === undefined) return [];
    this.#sample(now, bestBid + bestAsk);
    if (this.#samples.length < SAMPLES || now < this.#nextAt || own.length > 0) return [];

    const side = this.#signal();
    if (side !== undefined) {
      const quantity = Math.min(this.#random.between(1, this.#size), room(view, side, this.#maxPosition));
      if (quantity <= 0) return [];
      const price = side === 'buy' ? bestAsk + this.#threshold : Math.max(1, bestBid - this.#threshold);
      this.#nextAt = now + this.#pauseMs;
      const clientOrderId = this.#nextId();
      return [{ kind: 'submit', clientOrderId, side, type: 'limit', price, quantity, timeInForce: 'ioc' }];
    }
    if (position === 0) return [];
    const quantity = Math.min(this.#random.between(1, this.#size), Math.abs(position));
    this.#nextAt = now + 2 * this.#pauseMs;
    const clientOrderId = this.#nextId();
    const out = position > 0 ? 'sell' : 'buy';
    return [{ kind: 'submit', clientOrderId, side: out, type: 'market', quantity, timeInForce: 'ioc' }];
  }

  #sample(now: number, doubledMid: number): void {
    if (now - this.#sampledAt < this.#sampleMs) return;
    this.#sampledAt = now;
    this.#samples.push(doubledMid);
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }

  #signal(): Side | undefined {
    const move = this.#samples.at(-1)! - this.#samples[0]!;
    if (Math.abs(move) < 2 * this.#threshold) return undefined;
    return move > 0 ? 'buy' : 'sell';
  }
}
