/** An order for its owner: decimal strings instead of ticks and lots. */
import { averagePrice, type InstrumentUnits, lotsToQuantity, ticksToPrice } from '@exchange/reference/units';
import type { NewOrder, Order, OrderState } from './contract.ts';

/** What a view needs of an order; the contract's `OrderState` has it, with `value` as text. */
export type ViewedOrder = Omit<OrderState, 'account' | 'cancelled' | 'value'> & {
  /** Tick-lots traded so far. */
  readonly value: bigint | string;
};

/** The public form of an order. */
export function orderView(order: ViewedOrder, units: InstrumentUnits): Order {
  const { id, clientOrderId, symbol, side, type, price, quantity, timeInForce, filled, remaining } = order;
  return {
    id,
    clientOrderId,
    symbol,
    side,
    type,
    price: price === undefined ? null : ticksToPrice(units, price),
    quantity: lotsToQuantity(units, quantity),
    timeInForce,
    status: publicStatus(order),
    filled: lotsToQuantity(units, filled),
    remaining: lotsToQuantity(units, remaining),
    averagePrice: averagePrice(units, BigInt(order.value), filled) ?? null,
    createdAt: new Date(order.time).toISOString(),
  };
}

/** The engine has no status of its own for a resting order that has traded. */
export function publicStatus(order: Pick<OrderState, 'status' | 'filled'>): Order['status'] {
  return order.status === 'open' && order.filled > 0 ? 'partially_filled' : order.status;
}

/** The state of an order that the engine has just accepted, before its first trade. */
export function acceptedOrder(order: NewOrder, time: number): OrderState {
  const { protection: _, ...rest } = order;
  return {
    ...rest,
    filled: 0,
    cancelled: 0,
    remaining: order.quantity,
    value: '0',
    status: 'open',
    time,
  };
}
