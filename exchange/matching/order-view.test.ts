import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instrumentUnits } from '@exchange/reference/units';
import { Order } from './contract.ts';
import { acceptedOrder, orderView } from './order-view.ts';

const units = instrumentUnits(
  { symbol: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.0001' },
  { BTC: 8, USD: 6 },
);
const order = {
  id: 'o0000001',
  clientOrderId: 'mine-1',
  account: 'alice',
  symbol: 'BTC-USD',
  side: 'buy',
  type: 'limit',
  price: 6_000_010,
  quantity: 15_000,
  timeInForce: 'gtc',
} as const;

test('a new order shows decimal strings and no average price', () => {
  const view = orderView(acceptedOrder(order, 1_700_000_000_000), units);
  assert.deepEqual(view, {
    id: 'o0000001',
    clientOrderId: 'mine-1',
    symbol: 'BTC-USD',
    side: 'buy',
    type: 'limit',
    price: '60000.10',
    quantity: '1.5000',
    timeInForce: 'gtc',
    status: 'open',
    filled: '0.0000',
    remaining: '1.5000',
    averagePrice: null,
    createdAt: '2023-11-14T22:13:20.000Z',
  });
  assert.ok(Order.safeParse(view).success);
});

test('a resting order with fills is partially filled, at its exact average price', () => {
  const state = acceptedOrder(order, 1);
  const value = String(6_000_000n * 5_000n + 6_000_010n * 5_000n);
  const view = orderView({ ...state, filled: 10_000, remaining: 5_000, value }, units);
  assert.deepEqual(
    [view.status, view.filled, view.remaining, view.averagePrice],
    ['partially_filled', '1.0000', '0.5000', '60000.05'],
  );
});

test('a market order has no price, and its protection price is not shown', () => {
  const { price: _, ...rest } = order;
  const view = orderView(acceptedOrder({ ...rest, type: 'market', protection: 7_000_000 }, 1), units);
  assert.equal(view.price, null);
  assert.ok(!('protection' in view));
});
