/**
 * What the engine can be told. Commands are plain JSON: they are what the journal holds and what replay feeds back.
 * All numbers are safe integers: prices in ticks, quantities in lots, times in milliseconds since the epoch.
 */

export type Side = 'buy' | 'sell';
export type OrderType = 'limit' | 'market';
/** `gtc` rests until filled or cancelled; `ioc` trades at once and the remainder is cancelled. */
export type TimeInForce = 'gtc' | 'ioc';
/** `halted` and `closed` both refuse new orders and allow cancels; resting orders stay and keep their place. */
export type MarketStatus = 'open' | 'halted' | 'closed';

export interface NewOrder {
  /** Chosen by the caller, unique for ever: a second submit under it has no effect. */
  readonly id: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  /** Limit orders: the worst price to trade at, and the price to rest at. Ignored on market orders. */
  readonly price?: number | undefined;
  /** Market orders: the worst price to trade at. Without it, any price. Ignored on limit orders. */
  readonly protection?: number | undefined;
  readonly quantity: number;
  /** Market orders never rest: for them `gtc` means the same as `ioc`. */
  readonly timeInForce: TimeInForce;
}

/** Adds a market. A symbol that exists is left as it is. */
export interface ListCommand {
  readonly kind: 'list';
  readonly time: number;
  readonly symbol: string;
  /** Default `open`. */
  readonly status?: MarketStatus | undefined;
}

export interface StatusCommand {
  readonly kind: 'status';
  readonly time: number;
  readonly symbol: string;
  readonly status: MarketStatus;
}

export interface SubmitCommand {
  readonly kind: 'submit';
  readonly time: number;
  readonly order: NewOrder;
}

export interface CancelCommand {
  readonly kind: 'cancel';
  readonly time: number;
  readonly orderId: string;
  /** When given, the order must belong to this account. */
  readonly account?: string | undefined;
}

/**
 * Settles an unknown outcome: after it, the order either is known or never will be. A caller that does not know
 * whether its submit arrived sends this, and may then release what it held for the order.
 */
export interface AbandonCommand {
  readonly kind: 'abandon';
  readonly time: number;
  readonly orderId: string;
}

export type Command = ListCommand | StatusCommand | SubmitCommand | CancelCommand | AbandonCommand;
