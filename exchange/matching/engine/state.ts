/**
 * The engine's whole state. Only `apply` changes it; other code reads it through the views (`depth`, `order`, …).
 */

import { type BookSide, createBookSide, type LiveOrder } from './book-side.ts';
import type { MarketStatus } from './command.ts';

/** A market: its book and its counters. */
export interface Market {
  readonly symbol: string;
  status: MarketStatus;
  /** Sequence of the latest market-data event; 0 before the first. */
  sequence: number;
  /** Id of the latest trade; 0 before the first. */
  tradeId: number;
  readonly bids: BookSide;
  readonly asks: BookSide;
}

export interface EngineState {
  /**
   * Time of the latest command that had an effect, in milliseconds since the epoch. It never goes back: a command from
   * a clock that stepped backwards counts as happening now.
   */
  time: number;
  /** How long an abandoned id is remembered here, in milliseconds; older ones are the business of `KnownOrders`. */
  readonly abandonRetention: number;
  /** In the order of listing. */
  readonly markets: Map<string, Market>;
  /** Orders on a book, by id. Nothing may depend on the order of iteration. */
  readonly orders: Map<string, LiveOrder>;
  /** Abandoned ids and when, oldest first. */
  readonly abandoned: Map<string, number>;
}

export interface EngineOptions {
  /** Milliseconds; default one day. Must exceed the longest time a submit can be under way. */
  readonly abandonRetention?: number;
}

const DAY = 86_400_000;

/** An engine without markets, at time 0. */
export function createState(options: EngineOptions = {}): EngineState {
  return {
    time: 0,
    abandonRetention: options.abandonRetention ?? DAY,
    markets: new Map(),
    orders: new Map(),
    abandoned: new Map(),
  };
}

export function createMarket(symbol: string, status: MarketStatus): Market {
  return {
    symbol,
    status,
    sequence: 0,
    tradeId: 0,
    bids: createBookSide('buy'),
    asks: createBookSide('sell'),
  };
}
