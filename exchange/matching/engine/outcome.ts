/** What the caller of a command is told, next to the events that the rest of the world sees. */

import type { OrderType, Side, TimeInForce } from './command.ts';
import type { EngineEvent, RejectReason } from './event.ts';

/** An order as it stands. Always: quantity = filled + cancelled + remaining. */
export interface OrderState {
  readonly id: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  /** Ticks; market orders have none. */
  readonly price?: number | undefined;
  /** Lots submitted. */
  readonly quantity: number;
  readonly filled: number;
  /** Lots given up. */
  readonly cancelled: number;
  /** Lots resting on the book. */
  readonly remaining: number;
  /** Sum of price × quantity over the fills, in tick-lots: divided by `filled` it is the average price. */
  readonly value: bigint;
  readonly status: 'open' | 'filled' | 'cancelled' | 'rejected';
  /** When the order was accepted or rejected, in milliseconds since the epoch. */
  readonly time: number;
}

export type ListResult = { readonly kind: 'listed' } | { readonly kind: 'exists' };

export type StatusResult =
  | { readonly kind: 'changed' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'unknown_symbol' };

export type SubmitResult =
  /** Taken, and traded as far as it could: `order` says how it stands now. */
  | { readonly kind: 'accepted'; readonly order: OrderState }
  | { readonly kind: 'rejected'; readonly reason: RejectReason; readonly order: OrderState }
  /** The id is in use; nothing happened. Whether the body was the same is for the caller to compare. */
  | { readonly kind: 'duplicate'; readonly order: OrderState }
  /** The id was given up before the order arrived; nothing happened. */
  | { readonly kind: 'abandoned' };

export type CancelResult =
  | { readonly kind: 'cancelled'; readonly order: OrderState }
  /** The order is known and no longer rests on the book; nothing happened. */
  | { readonly kind: 'not_open'; readonly order: OrderState }
  | { readonly kind: 'not_found' }
  /** The order belongs to another account; nothing happened. */
  | { readonly kind: 'not_owner' };

export type AbandonResult =
  /** The id will never become an order (also when it was abandoned before). */
  | { readonly kind: 'abandoned' }
  /** The order is known; nothing happened. */
  | { readonly kind: 'known'; readonly order: OrderState };

/** Outcome of a command. */
export interface Outcome<Result> {
  readonly result: Result;
  readonly events: readonly EngineEvent[];
}

/**
 * Finds an order that the engine no longer holds, so that the engine's memory is bounded by what is live. Answers
 * `abandoned` for an id of an `abandoned` event. It must know every order of every event so far (but is never asked for
 * a live one). A command that it decides never has an effect, so the journal of effective commands replays without it.
 */
export type KnownOrders = (id: string) => OrderState | 'abandoned' | undefined;
