/**
 * Keeps several levels quoted on both sides of the reference price.
 *
 * Quotes stand on a fixed grid. When the price moves by a step of the grid, all orders but the outermost are already
 * where they should be, so that following the market costs about four actions a step and not one per order. Inventory
 * moves the centre of the quotes, so that the side which reduces it is hit more often, and bounds what is quoted: were
 * all own orders filled at once, the position would still be within its limit.
 */

import { type Action, exposure, type OwnOrder, type Participant, type Side, type View } from './action.ts';
import { ActionBudget } from './action-budget.ts';
import { clientOrderIds } from './client-order-ids.ts';
import type { Random } from './random.ts';

export interface MarketMakerOptions {
  readonly name: string;
  readonly symbol: string;
  readonly epoch: string;
  readonly random: Random;
  /** Ticks from one level to the next. */
  readonly spacing: number;
  /** Least distance of the best quote from the centre, in ticks. Default half the spacing, at least 1. */
  readonly halfSpread?: number;
  /** Levels a side. Default 8. */
  readonly levels?: number;
  /** Lots of the innermost level; outer ones are up to twice as large. */
  readonly size: number;
  /** Bound of the position, long or short, in lots. Default 60 times the size. */
  readonly maxPosition?: number;
  /** Default 5. */
  readonly actionsPerSecond?: number;
}

/** Levels beyond the last that an order may be left at: the price comes back often. */
const SLACK = 2;
/** These levels are replaced before far orders are cleared away. */
const INNER = 2;

export class MarketMaker implements Participant {
  readonly name: string;
  readonly symbol: string;
  readonly #spacing: number;
  readonly #halfSpread: number;
  readonly #levels: number;
  readonly #size: number;
  readonly #maxPosition: number;
  readonly #random: Random;
  readonly #nextId: () => string;
  readonly #budget: ActionBudget;
  #centre: number | undefined;

  constructor(options: MarketMakerOptions) {
    const { name, symbol, epoch, random, spacing, levels = 8, size, actionsPerSecond = 5 } = options;
    this.name = name;
    this.symbol = symbol;
    this.#spacing = spacing;
    this.#halfSpread = options.halfSpread ?? Math.max(1, spacing >>> 1);
    this.#levels = levels;
    this.#size = size;
    this.#maxPosition = options.maxPosition ?? 60 * size;
    this.#random = random;
    const numbers = [this.#spacing, this.#halfSpread, this.#levels, this.#size, this.#maxPosition];
    if (!numbers.every((value) => Number.isInteger(value) && value > 0)) {
      throw new RangeError(
        `${name}: spacing, half spread, levels, size and position must be positive whole numbers`,
      );
    }
    this.#nextId = clientOrderIds(name, epoch);
    this.#budget = new ActionBudget(actionsPerSecond, 2 * levels);
  }

  decide(view: View): Action[] {
    const available = this.#budget.available(view.now);
    if (available === 0) return [];
    this.#recentre(view);
    const plan = new Plan(view, available);
    for (const side of SIDES) this.#cancelTooNear(plan, side);
    this.#quote(plan, 0, INNER);
    for (const side of SIDES) this.#cancelTooFar(plan, side);
    this.#quote(plan, INNER, this.#levels);
    this.#budget.spend(plan.actions.length);
    return plan.actions;
  }

  /** Moves the centre when it is off by a step of the grid; less would have quotes flicker. */
  #recentre({ reference, position }: View): void {
    const share = Math.max(-1, Math.min(1, position / this.#maxPosition));
    // A full inventory moves the quotes by as much as lets one side's inner levels stand at the reference.
    const centre = reference - Math.round(share * INNER * this.#spacing);
    if (this.#centre === undefined || Math.abs(centre - this.#centre) >= this.#spacing) this.#centre = centre;
  }

  /** Price of a level, 0 being the best. */
  #price(side: Side, level: number): number {
    const centre = this.#centre!;
    if (side === 'buy') {
      return (Math.floor((centre - this.#halfSpread) / this.#spacing) - level) * this.#spacing;
    }
    return (Math.ceil((centre + this.#halfSpread) / this.#spacing) + level) * this.#spacing;
  }

  #cancelTooNear(plan: Plan, side: Side): void {
    const best = this.#price(side, 0);
    for (const order of plan.own)
      if (order.side === side && isBetter(side, order.price, best)) plan.cancel(order);
  }

  #cancelTooFar(plan: Plan, side: Side): void {
    const last = this.#price(side, this.#levels - 1 + SLACK);
    for (const order of plan.own) {
      if (order.side !== side || order.price === undefined) continue;
      // Off the grid: quoted before a restart with another spacing.
      if (isBetter(side, last, order.price) || order.price % this.#spacing !== 0) plan.cancel(order);
    }
  }

  /** Fills the empty levels `from` to `to` - 1, inner ones first. */
  #quote(plan: Plan, from: number, to: number): void {
    for (let level = from; level < to; level++) {
      for (const side of SIDES) {
        const price = this.#price(side, level);
        if (price <= 0 || plan.has(side, price) || plan.wouldMeetOwn(side, price)) continue;
        const largest = this.#size + Math.ceil((this.#size * level) / this.#levels);
        const quantity = Math.min(
          this.#random.between(Math.ceil(this.#size / 2), largest),
          this.#room(plan, side),
        );
        if (quantity > 0) plan.quote(side, price, quantity, this.#nextId);
      }
    }
  }

  #room(plan: Plan, side: Side): number {
    const position = side === 'buy' ? plan.position : -plan.position;
    return this.#maxPosition - position - plan.exposure[side];
  }
}

const SIDES: readonly Side[] = ['buy', 'sell'];

function isBetter(side: Side, price: number | undefined, than: number): boolean {
  return price !== undefined && (side === 'buy' ? price > than : price < than);
}

/** The actions of one decision, with what they make of the own orders, within the budget. */
class Plan {
  readonly actions: Action[] = [];
  readonly own: readonly OwnOrder[];
  readonly position: number;
  readonly exposure: { buy: number; sell: number };
  readonly #available: number;
  readonly #prices = { buy: new Set<number>(), sell: new Set<number>() };
  readonly #cancelled = new Set<string>();
  #highestBuy = Number.NEGATIVE_INFINITY;
  #lowestSell = Number.POSITIVE_INFINITY;

  constructor(view: View, available: number) {
    this.#available = available;
    this.own = view.own;
    this.position = view.position;
    this.exposure = { buy: exposure(view.own, 'buy'), sell: exposure(view.own, 'sell') };
    for (const order of view.own) if (order.price !== undefined) this.#note(order.side, order.price);
  }

  cancel({ orderId, cancelling }: OwnOrder): void {
    if (orderId === undefined || cancelling || this.#cancelled.has(orderId) || this.#isFull()) return;
    this.#cancelled.add(orderId);
    this.actions.push({ kind: 'cancel', orderId });
  }

  has(side: Side, price: number): boolean {
    return this.#prices[side].has(price);
  }

  /** Whether an own order of the other side stands in the way, be it under cancellation: it may still trade. */
  wouldMeetOwn(side: Side, price: number): boolean {
    return side === 'buy' ? price >= this.#lowestSell : price <= this.#highestBuy;
  }

  quote(side: Side, price: number, quantity: number, nextId: () => string): void {
    if (this.#isFull()) return;
    const clientOrderId = nextId();
    this.actions.push({
      kind: 'submit',
      clientOrderId,
      side,
      type: 'limit',
      price,
      quantity,
      timeInForce: 'gtc',
    });
    this.exposure[side] += quantity;
    this.#note(side, price);
  }

  #note(side: Side, price: number): void {
    this.#prices[side].add(price);
    if (side === 'buy') this.#highestBuy = Math.max(this.#highestBuy, price);
    else this.#lowestSell = Math.min(this.#lowestSell, price);
  }

  #isFull(): boolean {
    return this.actions.length >= this.#available;
  }
}
