/** What happened in a market, in integers: the one form into which every source is brought. */

export type Side = 'buy' | 'sell';

export interface LevelChange {
  readonly side: Side;
  /** Ticks. */
  readonly price: number;
  /** Lots now at this price; 0 removes the level. */
  readonly quantity: number;
}

export interface BookUpdate {
  readonly kind: 'book';
  readonly symbol: string;
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly changes: readonly LevelChange[];
}

export interface TradeUpdate {
  readonly kind: 'trade';
  readonly symbol: string;
  readonly sequence: number;
  readonly time: number;
  readonly id: number;
  readonly price: number;
  readonly quantity: number;
  /** Side of the order that took liquidity. */
  readonly side: Side;
}

export type MarketUpdate = BookUpdate | TradeUpdate;
