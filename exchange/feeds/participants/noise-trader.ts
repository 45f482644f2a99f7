/**
 * Trades for reasons of its own: small orders at independent times, mostly taking, now and then resting for a while.
 * The position is bounded as the market maker's is.
 */

import { type Action, type Participant, room, type Side, type View } from './action.ts';
import { clientOrderIds } from './client-order-ids.ts';
import type { Random } from './random.ts';

export interface NoiseTraderOptions {
  readonly name: string;
  readonly symbol: string;
  readonly epoch: string;
  readonly random: Random;
  /** Largest order, in lots. */
  readonly size: number;
  /** Ticks by which a resting order may stand behind the best price. */
  readonly spacing: number;
  /** Bound of the position, in lots. Default 40 times the size. */
  readonly maxPosition?: number;
  /** On average. Default 1.5. */
  readonly actionsPerSecond?: number;
}

/** The first order comes within this time and takes, so that a market trades in its first second. */
const FIRST_WITHIN_MS = 300;
const MAX_RESTING = 3;
const MARKET_PERCENT = 55;
const RESTING_PERCENT = 20;

export class NoiseTrader implements Participant {
  readonly name: string;
  readonly symbol: string;
  readonly #random: Random;
  readonly #nextId: () => string;
  readonly #size: number;
  readonly #spacing: number;
  readonly #maxPosition: number;
  readonly #meanMs: number;
  #nextAt: number | undefined;
  #hasTaken = false;

  constructor(options: NoiseTraderOptions) {
    const { name, symbol, epoch, random, size, spacing, actionsPerSecond = 1.5 } = options;
    this.name = name;
    this.symbol = symbol;
    this.#random = random;
    this.#nextId = clientOrderIds(name, epoch);
    this.#size = size;
    this.#spacing = spacing;
    this.#maxPosition = options.maxPosition ?? 40 * size;
    this.#meanMs = 1_000 / actionsPerSecond;
    const numbers = [size, spacing, this.#maxPosition];
    if (!numbers.every((value) => Number.isInteger(value) && value > 0) || !(actionsPerSecond > 0)) {
      throw new RangeError(
        `${name}: size, spacing, position and rate must be positive, the first three whole`,
      );
    }
  }

  decide(view: View): Action[] {
    this.#nextAt ??= view.now + this.#random.below(FIRST_WITHIN_MS);
    if (view.now < this.#nextAt) return [];
    const { bestBid, bestAsk } = view;
    // Nothing to trade against: look again with the next call.
    if (bestBid === undefined || bestAsk === undefined) return [];
    this.#nextAt = view.now + this.#random.waitMs(this.#meanMs);

    const side = this.#side(view);
    const rests = this.#random.percent(RESTING_PERCENT) && this.#hasTaken;
    this.#hasTaken = true;
    // Trading against itself would be no trade: what rests on the side to be hit has to go first.
    const obstacle = view.own.find((order) => order.side !== side && order.price !== undefined);
    const resting = view.own.filter((order) => order.price !== undefined);
    const leaving = obstacle ?? (resting.length >= MAX_RESTING ? resting[0] : undefined);
    if (leaving) {
      const { orderId, cancelling } = leaving;
      return orderId === undefined || cancelling ? [] : [{ kind: 'cancel', orderId }];
    }
    const quantity = Math.min(this.#quantity(), room(view, side, this.#maxPosition));
    if (quantity <= 0) return [];
    return [
      rests ? this.#rest(side, quantity, bestBid, bestAsk) : this.#take(side, quantity, bestBid, bestAsk),
    ];
  }

  /** Either side, the more often the one that reduces the position the larger that is. */
  #side({ position }: View): Side {
    const share = Math.max(-1, Math.min(1, position / this.#maxPosition));
    return this.#random.below(1_000) < 500 - Math.round(share * 450) ? 'buy' : 'sell';
  }

  /** Small ones are frequent, large ones rare. */
  #quantity(): number {
    return 1 + this.#random.below(1 + this.#random.below(this.#size));
  }

  #take(side: Side, quantity: number, bestBid: number, bestAsk: number): Action {
    const clientOrderId = this.#nextId();
    if (this.#random.percent(MARKET_PERCENT)) {
      return { kind: 'submit', clientOrderId, side, type: 'market', quantity, timeInForce: 'ioc' };
    }
    const price = side === 'buy' ? bestAsk : bestBid;
    return { kind: 'submit', clientOrderId, side, type: 'limit', price, quantity, timeInForce: 'ioc' };
  }

  #rest(side: Side, quantity: number, bestBid: number, bestAsk: number): Action {
    const behind = this.#random.below(2 * this.#spacing);
    const price = side === 'buy' ? Math.max(1, bestBid - behind) : bestAsk + behind;
    const clientOrderId = this.#nextId();
    return { kind: 'submit', clientOrderId, side, type: 'limit', price, quantity, timeInForce: 'gtc' };
  }
}
