/**
 * What a simulated participant sees and what it may do. Prices in ticks, quantities and positions in lots, times in
 * milliseconds; participants know nothing of the network, of money, or of the clock.
 */

export type Side = 'buy' | 'sell';

/** A price is there for limit orders only. */
export interface SubmitAction {
  readonly kind: 'submit';
  readonly clientOrderId: string;
  readonly side: Side;
  readonly type: 'limit' | 'market';
  readonly price?: number;
  readonly quantity: number;
  readonly timeInForce: 'gtc' | 'ioc';
}

export interface CancelAction {
  readonly kind: 'cancel';
  readonly orderId: string;
}

export type Action = SubmitAction | CancelAction;

/** An order of the participant that may still trade. */
export interface OwnOrder {
  readonly clientOrderId: string;
  /** Undefined while the submit is under way: the order counts, but cannot be cancelled. */
  readonly orderId: string | undefined;
  readonly side: Side;
  /** Undefined for a market order. */
  readonly price: number | undefined;
  readonly remaining: number;
  /** A cancel is under way; the order may trade until it is through. */
  readonly cancelling: boolean;
}

export interface View {
  readonly now: number;
  /** What the instrument is worth: the reference process, or an external mid price. */
  readonly reference: number;
  readonly bestBid?: number | undefined;
  readonly bestAsk?: number | undefined;
  /** Everything bought less everything sold. */
  readonly position: number;
  /** Oldest first. */
  readonly own: readonly OwnOrder[];
}

export interface Participant {
  /** Unique; also the beginning of its client order ids. */
  readonly name: string;
  readonly symbol: string;
  /** Called often (every 100 ms or so); paces itself, so that it mostly returns nothing. */
  decide(view: View): Action[];
}

/** How many lots all own orders of a side would trade if they were all filled. */
export function exposure(own: readonly OwnOrder[], side: Side): number {
  let lots = 0;
  for (const order of own) if (order.side === side) lots += order.remaining;
  return lots;
}

/** How many more lots may be ordered on a side until the position could pass `limit`, everything being filled. */
export function room(view: View, side: Side, limit: number): number {
  const position = side === 'buy' ? view.position : -view.position;
  return Math.max(0, limit - position - exposure(view.own, side));
}
