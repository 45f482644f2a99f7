/**
 * A market small enough to be seen through, for trying participants: a naive price-time book, virtual time, and
 * answers that take a while, so that orders are under way when the next decision is made.
 */

import type { Action, OwnOrder, Participant, Side, SubmitAction } from './action.ts';
import { OwnOrders } from './own-orders.ts';
import type { ReferencePrice } from './reference-price.ts';

interface Resting {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly trader: Trader;
  readonly side: Side;
  readonly price: number;
  filled: number;
  remaining: number;
}

interface Trader {
  readonly participant: Participant;
  readonly orders: OwnOrders;
}

export interface Moment {
  readonly now: number;
  readonly reference: number;
  readonly bids: ReadonlyMap<number, number>;
  readonly asks: ReadonlyMap<number, number>;
}

export interface SimulatedTrade {
  readonly time: number;
  readonly price: number;
  readonly quantity: number;
  readonly buyer: string;
  readonly seller: string;
}

export class SimulatedMarket {
  readonly trades: SimulatedTrade[] = [];
  readonly actions: { readonly time: number; readonly by: string; readonly action: Action }[] = [];
  readonly #reference: (now: number) => number;
  readonly #traders: Trader[];
  /** Oldest first. */
  #resting: Resting[] = [];
  #travelling: { readonly due: number; readonly trader: Trader; readonly action: Action }[] = [];
  readonly #latencyMs: number;
  #now = 1_000_000;
  #lastId = 0;

  constructor(
    participants: readonly Participant[],
    reference: ReferencePrice | ((now: number) => number),
    latencyMs = 30,
  ) {
    this.#traders = participants.map((participant) => ({ participant, orders: new OwnOrders() }));
    this.#reference = typeof reference === 'function' ? reference : (now) => reference.at(now);
    this.#latencyMs = latencyMs;
  }

  position(name: string): number {
    return this.#trader(name).orders.position;
  }

  open(name: string): readonly OwnOrder[] {
    return this.#trader(name).orders.open;
  }

  /** Runs for `ms` of virtual time, asking everybody every 100 ms; `watch` sees each moment. */
  run(ms: number, watch: (moment: Moment) => void = () => {}): void {
    const end = this.#now + ms;
    for (; this.#now < end; this.#now += 10) {
      this.#arrive();
      if (this.#now % 100 !== 0) continue;
      const reference = this.#reference(this.#now);
      for (const trader of this.#traders) this.#ask(trader, reference);
      watch({ now: this.#now, reference, bids: this.#depth('buy'), asks: this.#depth('sell') });
    }
  }

  #ask(trader: Trader, reference: number): void {
    const { participant, orders } = trader;
    const now = this.#now;
    const bestBid = this.#best('buy')?.price;
    const bestAsk = this.#best('sell')?.price;
    const view = { now, reference, bestBid, bestAsk, position: orders.position, own: orders.open };
    for (const action of participant.decide(view)) {
      orders.sent(action);
      this.actions.push({ time: now, by: participant.name, action });
      this.#travelling.push({ due: now + this.#latencyMs, trader, action });
    }
  }

  #arrive(): void {
    const due = this.#travelling.filter((entry) => entry.due <= this.#now);
    if (due.length === 0) return;
    this.#travelling = this.#travelling.filter((entry) => entry.due > this.#now);
    for (const { trader, action } of due) {
      if (action.kind === 'submit') this.#submit(trader, action);
      else this.#cancel(trader, action.orderId);
    }
  }

  #cancel({ orders }: Trader, orderId: string): void {
    const order = this.#resting.find((one) => one.orderId === orderId);
    if (!order) {
      orders.cancelFailed(orderId);
      return;
    }
    this.#resting = this.#resting.filter((one) => one !== order);
    orders.report(order.clientOrderId, { orderId, filled: order.filled, open: false });
  }

  #submit(trader: Trader, { clientOrderId, side, type, price, quantity, timeInForce }: SubmitAction): void {
    const orderId = `order-${++this.#lastId}`;
    let left = quantity;
    while (left > 0) {
      const best = this.#best(side === 'buy' ? 'sell' : 'buy');
      if (!best) break;
      if (type === 'limit' && (side === 'buy' ? best.price > price! : best.price < price!)) break;
      const traded = Math.min(left, best.remaining);
      left -= traded;
      best.filled += traded;
      best.remaining -= traded;
      if (best.remaining === 0) this.#resting = this.#resting.filter((one) => one !== best);
      best.trader.orders.reportById({ orderId: best.orderId, filled: best.filled, open: best.remaining > 0 });
      const [buyer, seller] = side === 'buy' ? [trader, best.trader] : [best.trader, trader];
      const names = { buyer: buyer.participant.name, seller: seller.participant.name };
      this.trades.push({ time: this.#now, price: best.price, quantity: traded, ...names });
    }
    const rests = left > 0 && type === 'limit' && timeInForce === 'gtc';
    const filled = quantity - left;
    if (rests)
      this.#resting.push({ orderId, clientOrderId, trader, side, price: price!, filled, remaining: left });
    trader.orders.report(clientOrderId, { orderId, filled, open: rests });
  }

  /** The order that a taker of the other side meets first. */
  #best(side: Side): Resting | undefined {
    let best: Resting | undefined;
    for (const order of this.#resting) {
      if (order.side !== side) continue;
      if (!best || (side === 'buy' ? order.price > best.price : order.price < best.price)) best = order;
    }
    return best;
  }

  #depth(side: Side): Map<number, number> {
    const levels = new Map<number, number>();
    for (const order of this.#resting) {
      if (order.side === side) levels.set(order.price, (levels.get(order.price) ?? 0) + order.remaining);
    }
    return levels;
  }

  #trader(name: string): Trader {
    return this.#traders.find(({ participant }) => participant.name === name)!;
  }
}
