/**
 * Continuous matching: an incoming order trades against the other side of the book by price, then time, at the
 * maker's price. Orders of the same account may trade with each other.
 */

import { type BookSide, bestLevel, keyOf, type LiveOrder, remove } from './book-side.ts';
import type { EngineEvent, LevelChange } from './event.ts';
import type { EngineState, Market } from './state.ts';

/**
 * Trades `taker` until it is filled or nothing is left within `limit` (ticks; undefined: any price). Appends trades and
 * fills to `events`, and the new total of each level it touched to `changes`. Does not put the taker on the book.
 */
export function match(
  state: EngineState,
  market: Market,
  taker: LiveOrder,
  limit: number | undefined,
  events: EngineEvent[],
  changes: LevelChange[],
): void {
  const other = taker.side === 'buy' ? market.asks : market.bids;
  const worst = limit === undefined ? Number.NEGATIVE_INFINITY : keyOf(other.side, limit);
  while (taker.remaining > 0) {
    const level = bestLevel(other);
    if (level === undefined || keyOf(other.side, level.price) < worst) return;
    let maker = level.head;
    while (maker !== undefined && taker.remaining > 0) {
      const next: LiveOrder | undefined = maker.next;
      const quantity = Math.min(maker.remaining, taker.remaining);
      trade(state, market, maker, taker, quantity, events);
      level.total -= quantity;
      // A maker with something left stays where it is: at the head of its queue.
      if (maker.remaining === 0) leave(state, other, maker);
      maker = next;
    }
    changes.push({ side: other.side, price: level.price, quantity: level.total });
  }
}

function leave(state: EngineState, book: BookSide, maker: LiveOrder): void {
  remove(book, maker, maker.level!);
  state.orders.delete(maker.id);
}

function trade(
  state: EngineState,
  market: Market,
  maker: LiveOrder,
  taker: LiveOrder,
  quantity: number,
  events: EngineEvent[],
): void {
  const { symbol } = market;
  const { time } = state;
  const { price } = maker;
  const value = BigInt(price) * BigInt(quantity);
  market.sequence += 1;
  market.tradeId += 1;
  const { tradeId } = market;
  maker.remaining -= quantity;
  maker.value += value;
  taker.remaining -= quantity;
  taker.value += value;
  events.push(
    {
      kind: 'trade',
      symbol,
      sequence: market.sequence,
      id: tradeId,
      price,
      quantity,
      aggressor: taker.side,
      makerOrderId: maker.id,
      makerAccount: maker.account,
      takerOrderId: taker.id,
      takerAccount: taker.account,
      time,
    },
    filled(maker, 'maker', tradeId, price, quantity, time),
    filled(taker, 'taker', tradeId, price, quantity, time),
  );
}

function filled(
  order: LiveOrder,
  role: 'maker' | 'taker',
  tradeId: number,
  price: number,
  quantity: number,
  time: number,
): EngineEvent {
  return {
    kind: 'filled',
    orderId: order.id,
    account: order.account,
    symbol: order.symbol,
    side: order.side,
    role,
    tradeId,
    price,
    quantity,
    remaining: order.remaining,
    time,
  };
}
