/**
 * The oracle for the property tests: the same rules, written for obviousness. One array of orders, sorted for every
 * decision, nothing cached. It shares only types with the engine.
 */

import type { Command, NewOrder, Side } from './command.ts';

export interface NaiveOrder {
  readonly order: NewOrder;
  readonly arrival: number;
  filled: number;
  cancelled: number;
  value: bigint;
  status: 'open' | 'filled' | 'cancelled' | 'rejected';
}

export interface NaiveTrade {
  readonly symbol: string;
  readonly id: number;
  readonly price: number;
  readonly quantity: number;
  readonly maker: string;
  readonly taker: string;
}

export interface NaiveEngine {
  readonly orders: Map<string, NaiveOrder>;
  readonly trades: NaiveTrade[];
  readonly statuses: Map<string, 'open' | 'halted' | 'closed'>;
  readonly abandoned: Set<string>;
}

export function createNaive(): NaiveEngine {
  return { orders: new Map(), trades: [], statuses: new Map(), abandoned: new Set() };
}

/** Applies a command and names its result as the engine does. */
export function applyNaive(engine: NaiveEngine, command: Command): string {
  switch (command.kind) {
    case 'list':
      if (engine.statuses.has(command.symbol)) return 'exists';
      engine.statuses.set(command.symbol, command.status ?? 'open');
      return 'listed';
    case 'status': {
      const status = engine.statuses.get(command.symbol);
      if (status === undefined) return 'unknown_symbol';
      engine.statuses.set(command.symbol, command.status);
      return status === command.status ? 'unchanged' : 'changed';
    }
    case 'abandon':
      if (engine.orders.has(command.orderId)) return 'known';
      engine.abandoned.add(command.orderId);
      return 'abandoned';
    case 'cancel': {
      const found = engine.orders.get(command.orderId);
      if (found === undefined) return 'not_found';
      if (command.account !== undefined && command.account !== found.order.account) return 'not_owner';
      if (found.status !== 'open') return 'not_open';
      giveUp(found);
      return 'cancelled';
    }
    case 'submit':
      return submit(engine, command.order);
  }
}

/** Open orders of one side, first to trade first. */
export function queue(engine: NaiveEngine, symbol: string, side: Side): NaiveOrder[] {
  return [...engine.orders.values()]
    .filter(({ order, status }) => status === 'open' && order.symbol === symbol && order.side === side)
    .sort((left, right) => {
      const byPrice = left.order.price! - right.order.price!;
      return (side === 'buy' ? -byPrice : byPrice) || left.arrival - right.arrival;
    });
}

export function remaining(order: NaiveOrder): number {
  return order.order.quantity - order.filled - order.cancelled;
}

function submit(engine: NaiveEngine, order: NewOrder): string {
  if (engine.orders.has(order.id)) return 'duplicate';
  if (engine.abandoned.has(order.id)) return 'abandoned';
  const arrival = engine.orders.size;
  const taker: NaiveOrder = { order, arrival, filled: 0, cancelled: 0, value: 0n, status: 'open' };
  const acceptable = engine.statuses.get(order.symbol) === 'open' && order.quantity >= 1;
  if (!acceptable || (order.type === 'limit' && !((order.price ?? 0) >= 1))) {
    giveUp(taker);
    taker.status = 'rejected';
    engine.orders.set(order.id, taker);
    return 'rejected';
  }
  const limit = order.type === 'limit' ? order.price : order.protection;
  const otherSide = order.side === 'buy' ? 'sell' : 'buy';
  while (remaining(taker) > 0) {
    const maker = queue(engine, order.symbol, otherSide)[0];
    if (maker === undefined) break;
    const price = maker.order.price!;
    if (limit !== undefined && (order.side === 'buy' ? price > limit : price < limit)) break;
    const quantity = Math.min(remaining(maker), remaining(taker));
    const id = engine.trades.filter((trade) => trade.symbol === order.symbol).length + 1;
    engine.trades.push({ symbol: order.symbol, id, price, quantity, maker: maker.order.id, taker: order.id });
    for (const one of [maker, taker]) {
      one.filled += quantity;
      one.value += BigInt(price) * BigInt(quantity);
      if (remaining(one) === 0) one.status = 'filled';
    }
  }
  if (taker.status === 'open' && (order.type === 'market' || order.timeInForce === 'ioc')) giveUp(taker);
  engine.orders.set(order.id, taker);
  return 'accepted';
}

function giveUp(order: NaiveOrder): void {
  order.cancelled = order.order.quantity - order.filled;
  order.status = 'cancelled';
}
