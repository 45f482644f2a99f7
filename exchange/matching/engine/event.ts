/**
 * What the engine says happened. Events are plain JSON and complete: a follower rebuilds books, orders, trades and
 * holds from them alone.
 *
 * Two families share the list of a command's events, in the order in which things happened:
 *
 * - market data (`trade`, `book`) is public and carries the market's `sequence`: gapless, from 1. A command yields any
 *   number of trades and then at most one `book` event with the net change of every level it touched. Applied in
 *   order, book events never show a crossed book.
 * - everything else is about one order or one market's status and has no sequence of its own.
 *
 * `time` is that of the command, never going backwards (see `EngineState.time`).
 */

import type { MarketStatus, NewOrder, Side } from './command.ts';

export type RejectReason =
  /** The symbol was never listed. */
  | 'unknown_symbol'
  | 'market_halted'
  | 'market_closed'
  /** An empty id or account, or a side, type or time in force that does not exist. */
  | 'invalid_order'
  /** A limit order without a price, or a price (or protection) that is not a safe integer from 1 up. */
  | 'invalid_price'
  /** Not a safe integer from 1 up. */
  | 'invalid_quantity'
  /** The total at the order's price would no longer be a safe integer. */
  | 'level_full';

export type CancelReason =
  /** A cancel command. */
  | 'user'
  /** The remainder of an IOC limit order: nothing more within its price. */
  | 'ioc'
  /** The remainder of a market order: the other side of the book is empty. */
  | 'no_liquidity'
  /** The remainder of a market order: what is left on the other side is worse than its protection price. */
  | 'protection';

export interface ListedEvent {
  readonly kind: 'listed';
  readonly symbol: string;
  readonly status: MarketStatus;
  readonly time: number;
}

export interface StatusEvent {
  readonly kind: 'status';
  readonly symbol: string;
  readonly status: MarketStatus;
  readonly time: number;
}

export interface AcceptedEvent {
  readonly kind: 'accepted';
  readonly order: NewOrder;
  readonly time: number;
}

/** The order had no effect and never will; its id is used up. */
export interface RejectedEvent {
  readonly kind: 'rejected';
  readonly order: NewOrder;
  readonly reason: RejectReason;
  readonly time: number;
}

/** One side of a trade. A trade is followed by two of these: maker, then taker. */
export interface FilledEvent {
  readonly kind: 'filled';
  readonly orderId: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly role: 'maker' | 'taker';
  readonly tradeId: number;
  /** Ticks. */
  readonly price: number;
  /** Lots of this fill. */
  readonly quantity: number;
  /** Lots still unfilled after it; 0 means that the order is done. */
  readonly remaining: number;
  readonly time: number;
}

export interface CancelledEvent {
  readonly kind: 'cancelled';
  readonly orderId: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  /** Lots given up. */
  readonly remaining: number;
  readonly reason: CancelReason;
  readonly time: number;
}

/** From here on, a submit with this id is refused. */
export interface AbandonedEvent {
  readonly kind: 'abandoned';
  readonly orderId: string;
  readonly time: number;
}

export interface TradeEvent {
  readonly kind: 'trade';
  readonly symbol: string;
  readonly sequence: number;
  /** Gapless per market, from 1. */
  readonly id: number;
  /** Ticks: the maker's price. */
  readonly price: number;
  /** Lots. */
  readonly quantity: number;
  /** Side of the taker. */
  readonly aggressor: Side;
  readonly makerOrderId: string;
  readonly makerAccount: string;
  readonly takerOrderId: string;
  readonly takerAccount: string;
  readonly time: number;
}

export interface LevelChange {
  readonly side: Side;
  /** Ticks. */
  readonly price: number;
  /** Lots now resting at this price; 0 means that the level is gone. */
  readonly quantity: number;
}

export interface BookEvent {
  readonly kind: 'book';
  readonly symbol: string;
  readonly sequence: number;
  /** Each level at most once: levels of the other side from the best outwards, then the order's own level. */
  readonly changes: readonly LevelChange[];
  readonly time: number;
}

export type MarketDataEvent = TradeEvent | BookEvent;
export type OrderEvent = AcceptedEvent | RejectedEvent | FilledEvent | CancelledEvent | AbandonedEvent;
export type EngineEvent = MarketDataEvent | OrderEvent | ListedEvent | StatusEvent;
