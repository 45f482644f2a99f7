/**
 * What a follower of the engine's events can know: books from increments, orders from order events. The tests compare
 * it with the engine, which proves that the events are complete; it also is the `KnownOrders` of a bounded engine.
 */

import type { EngineEvent } from './event.ts';
import type { KnownOrders, OrderState } from './outcome.ts';
import type { Depth, DepthLevel } from './views.ts';

interface FollowedBook {
  sequence: number;
  tradeId: number;
  readonly buy: Map<number, number>;
  readonly sell: Map<number, number>;
}

export class FollowedMarket {
  readonly orders = new Map<string, OrderState>();
  readonly abandoned = new Set<string>();
  readonly #books = new Map<string, FollowedBook>();
  /** Broken promises of the event stream, one sentence each. */
  readonly violations: string[] = [];

  readonly known: KnownOrders = (id) => (this.abandoned.has(id) ? 'abandoned' : this.orders.get(id));

  follow(events: readonly EngineEvent[]): void {
    for (const [index, event] of events.entries()) {
      if (event.kind === 'book' && index !== events.length - 1) {
        this.violations.push('a book event is not the last event of its command');
      }
      this.#apply(event);
    }
  }

  depth(symbol: string): Depth | undefined {
    const book = this.#books.get(symbol);
    if (book === undefined) return undefined;
    const bids = [...book.buy].sort(([left], [right]) => right - left) satisfies DepthLevel[];
    const asks = [...book.sell].sort(([left], [right]) => left - right) satisfies DepthLevel[];
    return { symbol, sequence: book.sequence, bids, asks };
  }

  #apply(event: EngineEvent): void {
    switch (event.kind) {
      case 'listed':
        this.#books.set(event.symbol, { sequence: 0, tradeId: 0, buy: new Map(), sell: new Map() });
        return;
      case 'accepted':
      case 'rejected': {
        const { order, time } = event;
        const rejected = event.kind === 'rejected';
        if (this.orders.has(order.id)) this.violations.push(`${order.id} was taken twice`);
        const { id, account, symbol, side, type, timeInForce, quantity } = order;
        this.orders.set(id, {
          id,
          account,
          symbol,
          side,
          type,
          timeInForce,
          price: type === 'limit' ? order.price : undefined,
          quantity,
          filled: 0,
          cancelled: rejected ? quantity : 0,
          remaining: rejected ? 0 : quantity,
          value: 0n,
          status: rejected ? 'rejected' : 'open',
          time,
        });
        return;
      }
      case 'filled': {
        const order = this.orders.get(event.orderId)!;
        const remaining = order.remaining - event.quantity;
        if (remaining !== event.remaining)
          this.violations.push(`${order.id} has ${remaining}, not ${event.remaining}`);
        const value = order.value + BigInt(event.price) * BigInt(event.quantity);
        const status = remaining === 0 ? 'filled' : 'open';
        this.orders.set(order.id, {
          ...order,
          filled: order.filled + event.quantity,
          remaining,
          value,
          status,
        });
        return;
      }
      case 'cancelled': {
        const order = this.orders.get(event.orderId)!;
        if (order.remaining !== event.remaining)
          this.violations.push(`${order.id} gave up ${event.remaining}`);
        this.orders.set(order.id, {
          ...order,
          cancelled: event.remaining,
          remaining: 0,
          status: 'cancelled',
        });
        return;
      }
      case 'abandoned':
        this.abandoned.add(event.orderId);
        return;
      case 'trade': {
        const book = this.#next(event.symbol, event.sequence);
        book.tradeId += 1;
        if (event.id !== book.tradeId)
          this.violations.push(`trade ${event.id} came after ${book.tradeId - 1}`);
        return;
      }
      case 'book': {
        const book = this.#next(event.symbol, event.sequence);
        for (const { side, price, quantity } of event.changes) {
          if ((book[side].get(price) ?? 0) === quantity)
            this.violations.push(`${side} ${price} did not change`);
          if (quantity === 0) book[side].delete(price);
          else book[side].set(price, quantity);
        }
        const bestBid = Math.max(...book.buy.keys());
        const bestAsk = Math.min(...book.sell.keys());
        if (bestBid >= bestAsk)
          this.violations.push(`crossed at ${event.sequence}: ${bestBid} and ${bestAsk}`);
        return;
      }
    }
  }

  #next(symbol: string, sequence: number): FollowedBook {
    const book = this.#books.get(symbol)!;
    book.sequence += 1;
    if (sequence !== book.sequence)
      this.violations.push(`sequence ${sequence} came after ${book.sequence - 1}`);
    return book;
  }
}
