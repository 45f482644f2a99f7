/** What can be read from the engine's state. Everything handed out is a copy. */

import type { BookSide, LiveOrder } from './book-side.ts';
import type { MarketStatus } from './command.ts';
import type { OrderState } from './outcome.ts';
import type { EngineState, Market } from './state.ts';

/** Price in ticks and total quantity in lots. */
export type DepthLevel = readonly [price: number, quantity: number];

export interface Depth {
  readonly symbol: string;
  /** Of the latest market-data event that it contains; 0 before the first. */
  readonly sequence: number;
  /** Best first. */
  readonly bids: readonly DepthLevel[];
  /** Best first. */
  readonly asks: readonly DepthLevel[];
}

export interface MarketView {
  readonly symbol: string;
  readonly status: MarketStatus;
  readonly sequence: number;
  readonly tradeId: number;
  /** Ticks; undefined when that side is empty. */
  readonly bestBid: number | undefined;
  readonly bestAsk: number | undefined;
}

/** Aggregated book, at most `levels` levels a side (default: all). Undefined for an unknown symbol. */
export function depth(
  state: EngineState,
  symbol: string,
  levels = Number.POSITIVE_INFINITY,
): Depth | undefined {
  const market = state.markets.get(symbol);
  if (market === undefined) return undefined;
  const { sequence, bids, asks } = market;
  return { symbol, sequence, bids: top(bids, levels), asks: top(asks, levels) };
}

/** A resting order; undefined for every other. */
export function order(state: EngineState, id: string): OrderState | undefined {
  const live = state.orders.get(id);
  return live === undefined ? undefined : orderState(live);
}

/** Every resting order: by market in order of listing, bids then asks, best price first, oldest first. */
export function* openOrders(state: EngineState): Generator<OrderState, void> {
  for (const market of state.markets.values()) {
    for (const live of queued(market.bids)) yield orderState(live);
    for (const live of queued(market.asks)) yield orderState(live);
  }
}

/** Every market, in order of listing. */
export function markets(state: EngineState): MarketView[] {
  return Array.from(state.markets.values(), marketView);
}

export function market(state: EngineState, symbol: string): MarketView | undefined {
  const found = state.markets.get(symbol);
  return found === undefined ? undefined : marketView(found);
}

/** A live order as its owner sees it. Only limit orders that are good till cancelled ever rest. */
export function orderState(live: LiveOrder): OrderState {
  return {
    id: live.id,
    account: live.account,
    symbol: live.symbol,
    side: live.side,
    type: 'limit',
    timeInForce: 'gtc',
    price: live.price,
    quantity: live.quantity,
    filled: live.quantity - live.remaining,
    cancelled: 0,
    remaining: live.remaining,
    value: live.value,
    status: 'open',
    time: live.time,
  };
}

/** The orders of one side, best price first, oldest first. */
export function* queued(book: BookSide): Generator<LiveOrder, void> {
  for (let index = book.levels.length - 1; index >= 0; index -= 1) {
    for (let live = book.levels[index]!.head; live !== undefined; live = live.next) yield live;
  }
}

function top(book: BookSide, count: number): DepthLevel[] {
  const result: DepthLevel[] = [];
  for (let index = book.levels.length - 1; index >= 0 && result.length < count; index -= 1) {
    const { price, total } = book.levels[index]!;
    result.push([price, total]);
  }
  return result;
}

function marketView(found: Market): MarketView {
  const { symbol, status, sequence, tradeId, bids, asks } = found;
  return {
    symbol,
    status,
    sequence,
    tradeId,
    bestBid: bids.levels.at(-1)?.price,
    bestAsk: asks.levels.at(-1)?.price,
  };
}
