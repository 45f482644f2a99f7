/**
 * The engine: `apply(state, command)` changes the state and says what happened. Pure in the sense that matters: no
 * clock, no randomness, no I/O, no dependence on hash order, so the same commands give the same events and the same
 * state hash on every machine and build. Time comes in with the command.
 *
 * A command had an effect exactly when it has events. A journal needs only those; replaying them reproduces the state
 * without a `KnownOrders` lookup. Measured on one core of a small cloud machine: 0.7 µs per command,
 * events included (engine.bench.ts).
 */

import { append, type BookSide, findLevel, type Level, type LiveOrder, remove } from './book-side.ts';
import type {
  AbandonCommand,
  CancelCommand,
  Command,
  ListCommand,
  NewOrder,
  StatusCommand,
  SubmitCommand,
} from './command.ts';
import type { CancelReason, EngineEvent, LevelChange, RejectReason } from './event.ts';
import { match } from './match.ts';
import type {
  AbandonResult,
  CancelResult,
  KnownOrders,
  ListResult,
  OrderState,
  Outcome,
  StatusResult,
  SubmitResult,
} from './outcome.ts';
import { refusal } from './refusal.ts';
import { createMarket, type EngineState, type Market } from './state.ts';
import { orderState } from './views.ts';

const NO_EVENTS: readonly EngineEvent[] = Object.freeze([]);
const nothingOlder: KnownOrders = () => undefined;

export type AnyResult = ListResult | StatusResult | SubmitResult | CancelResult | AbandonResult;

export function apply(state: EngineState, command: SubmitCommand, known?: KnownOrders): Outcome<SubmitResult>;
export function apply(state: EngineState, command: CancelCommand, known?: KnownOrders): Outcome<CancelResult>;
export function apply(
  state: EngineState,
  command: AbandonCommand,
  known?: KnownOrders,
): Outcome<AbandonResult>;
export function apply(state: EngineState, command: ListCommand): Outcome<ListResult>;
export function apply(state: EngineState, command: StatusCommand): Outcome<StatusResult>;
export function apply(state: EngineState, command: Command, known?: KnownOrders): Outcome<AnyResult>;
export function apply(
  state: EngineState,
  command: Command,
  known: KnownOrders = nothingOlder,
): Outcome<AnyResult> {
  switch (command.kind) {
    case 'submit':
      return submit(state, command, known);
    case 'cancel':
      return cancel(state, command, known);
    case 'abandon':
      return abandon(state, command, known);
    case 'list':
      return list(state, command);
    case 'status':
      return setStatus(state, command);
  }
}

function submit(state: EngineState, command: SubmitCommand, known: KnownOrders): Outcome<SubmitResult> {
  const { order } = command;
  const live = state.orders.get(order.id);
  if (live !== undefined) return unchanged({ kind: 'duplicate', order: orderState(live) });
  if (state.abandoned.has(order.id)) return unchanged({ kind: 'abandoned' });
  const older = known(order.id);
  if (older === 'abandoned') return unchanged({ kind: 'abandoned' });
  if (older !== undefined) return unchanged({ kind: 'duplicate', order: older });

  advance(state, command.time);
  const market = state.markets.get(order.symbol);
  const reason = refusal(market, order);
  if (reason !== undefined || market === undefined) {
    return rejected(order, reason ?? 'unknown_symbol', state.time);
  }
  const own = order.side === 'buy' ? market.bids : market.asks;
  const level = order.type === 'limit' ? findLevel(own, order.price!) : undefined;
  // If the level exists, nothing on the other side can match at its price: all of the order would be added to it.
  if (level !== undefined && level.total + order.quantity > Number.MAX_SAFE_INTEGER) {
    return rejected(order, 'level_full', state.time);
  }
  return accepted(state, market, order, own, level);
}

function accepted(
  state: EngineState,
  market: Market,
  order: NewOrder,
  own: BookSide,
  level: Level | undefined,
): Outcome<SubmitResult> {
  const { time } = state;
  const taker: LiveOrder = {
    id: order.id,
    account: order.account,
    symbol: market.symbol,
    side: order.side,
    price: order.type === 'limit' ? order.price! : 0,
    quantity: order.quantity,
    remaining: order.quantity,
    value: 0n,
    time,
    level: undefined,
    previous: undefined,
    next: undefined,
  };
  const events: EngineEvent[] = [{ kind: 'accepted', order, time }];
  const changes: LevelChange[] = [];
  match(state, market, taker, order.type === 'limit' ? order.price : order.protection, events, changes);

  let resting = 0;
  if (taker.remaining > 0) {
    if (order.type === 'limit' && order.timeInForce === 'gtc') {
      resting = taker.remaining;
      const at = append(own, taker, level);
      state.orders.set(taker.id, taker);
      changes.push({ side: own.side, price: at.price, quantity: at.total });
    } else {
      events.push(cancelled(taker, remainderReason(market, order), time));
    }
  }
  publish(market, changes, time, events);
  const filled = taker.quantity - taker.remaining;
  return {
    result: { kind: 'accepted', order: newOrderState(order, filled, resting, taker.value, time) },
    events,
  };
}

function cancel(state: EngineState, command: CancelCommand, known: KnownOrders): Outcome<CancelResult> {
  const { orderId, account } = command;
  const order = state.orders.get(orderId);
  if (order === undefined) {
    const older = known(orderId);
    if (older === undefined || older === 'abandoned') return unchanged({ kind: 'not_found' });
    if (account !== undefined && account !== older.account) return unchanged({ kind: 'not_owner' });
    return unchanged({ kind: 'not_open', order: older });
  }
  if (account !== undefined && account !== order.account) return unchanged({ kind: 'not_owner' });

  advance(state, command.time);
  const market = state.markets.get(order.symbol)!;
  const level = order.level!;
  remove(order.side === 'buy' ? market.bids : market.asks, order, level);
  state.orders.delete(orderId);
  const events: EngineEvent[] = [cancelled(order, 'user', state.time)];
  publish(market, [{ side: order.side, price: level.price, quantity: level.total }], state.time, events);
  const filled = order.quantity - order.remaining;
  const settled: OrderState = {
    ...orderState(order),
    cancelled: order.remaining,
    remaining: 0,
    filled,
    status: 'cancelled',
  };
  return { result: { kind: 'cancelled', order: settled }, events };
}

function abandon(state: EngineState, command: AbandonCommand, known: KnownOrders): Outcome<AbandonResult> {
  const { orderId } = command;
  const live = state.orders.get(orderId);
  if (live !== undefined) return unchanged({ kind: 'known', order: orderState(live) });
  if (state.abandoned.has(orderId)) return unchanged({ kind: 'abandoned' });
  const older = known(orderId);
  if (older === 'abandoned') return unchanged({ kind: 'abandoned' });
  if (older !== undefined) return unchanged({ kind: 'known', order: older });

  advance(state, command.time);
  state.abandoned.set(orderId, state.time);
  return { result: { kind: 'abandoned' }, events: [{ kind: 'abandoned', orderId, time: state.time }] };
}

function list(state: EngineState, command: ListCommand): Outcome<ListResult> {
  const { symbol, status = 'open' } = command;
  if (state.markets.has(symbol)) return unchanged({ kind: 'exists' });
  advance(state, command.time);
  state.markets.set(symbol, createMarket(symbol, status));
  return { result: { kind: 'listed' }, events: [{ kind: 'listed', symbol, status, time: state.time }] };
}

function setStatus(state: EngineState, command: StatusCommand): Outcome<StatusResult> {
  const { symbol, status } = command;
  const market = state.markets.get(symbol);
  if (market === undefined) return unchanged({ kind: 'unknown_symbol' });
  if (market.status === status) return unchanged({ kind: 'unchanged' });
  advance(state, command.time);
  market.status = status;
  return { result: { kind: 'changed' }, events: [{ kind: 'status', symbol, status, time: state.time }] };
}

function unchanged<Result>(result: Result): Outcome<Result> {
  return { result, events: NO_EVENTS };
}

/**
 * Moves the engine's time on, and forgets the abandoned ids that have become too old. Only for commands that have an
 * effect: the others are not in the journal, so they must leave nothing behind.
 */
function advance(state: EngineState, time: number): void {
  if (!Number.isSafeInteger(time) || time <= state.time) return;
  state.time = time;
  if (state.abandoned.size === 0) return;
  for (const [id, since] of state.abandoned) {
    if (time - since <= state.abandonRetention) return;
    state.abandoned.delete(id);
  }
}

function publish(market: Market, changes: readonly LevelChange[], time: number, events: EngineEvent[]): void {
  if (changes.length === 0) return;
  market.sequence += 1;
  events.push({ kind: 'book', symbol: market.symbol, sequence: market.sequence, changes, time });
}

function rejected(order: NewOrder, reason: RejectReason, time: number): Outcome<SubmitResult> {
  const state: OrderState = { ...newOrderState(order, 0, 0, 0n, time), status: 'rejected' };
  return {
    result: { kind: 'rejected', reason, order: state },
    events: [{ kind: 'rejected', order, reason, time }],
  };
}

function cancelled(order: LiveOrder, reason: CancelReason, time: number): EngineEvent {
  const { id, account, symbol, side, remaining } = order;
  return { kind: 'cancelled', orderId: id, account, symbol, side, remaining, reason, time };
}

function remainderReason(market: Market, order: NewOrder): CancelReason {
  if (order.type === 'limit') return 'ioc';
  const other = order.side === 'buy' ? market.asks : market.bids;
  return other.levels.length === 0 ? 'no_liquidity' : 'protection';
}

function newOrderState(
  order: NewOrder,
  filled: number,
  remaining: number,
  value: bigint,
  time: number,
): OrderState {
  const { id, account, symbol, side, type, timeInForce, quantity } = order;
  const status = remaining > 0 ? 'open' : filled === quantity ? 'filled' : 'cancelled';
  return {
    id,
    account,
    symbol,
    side,
    type,
    timeInForce,
    price: type === 'limit' ? order.price : undefined,
    quantity,
    filled,
    cancelled: quantity - filled - remaining,
    remaining,
    value,
    status,
    time,
  };
}
