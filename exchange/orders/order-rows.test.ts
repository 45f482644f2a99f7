import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewOrder } from '@exchange/matching';
import { openDatabase, readMigrations } from 'flotilla';
import { type OrderQuery, OrderRows, querySql, type StatusFilter } from './order-rows.ts';

function open() {
  const migrations = readMigrations(new URL('./migrations/', import.meta.url));
  const database = openDatabase({ path: ':memory:', migrations });
  return { database, rows: new OrderRows(database) };
}

const order = (id: string, details: Partial<NewOrder> = {}): NewOrder => ({
  id,
  clientOrderId: `client-${id}`,
  account: 'alice',
  symbol: 'BTC-USD',
  side: 'buy',
  type: 'limit',
  price: 100,
  quantity: 10,
  timeInForce: 'gtc',
  ...details,
});

const statuses: StatusFilter[] = ['open', 'closed', 'all'];

test('every list reads along an index, unsorted', () => {
  const { database } = open();
  for (const status of statuses) {
    for (const inMarket of [false, true]) {
      const sql = querySql(status, inMarket);
      const values = inMarket ? ['alice', 'BTC-USD', 10] : ['alice', 10];
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
      const steps = plan.map(({ detail }) => String(detail));
      assert.equal(steps.length, 1, `${status}: ${steps.join('; ')}`);
      assert.match(steps[0]!, /^SEARCH orders USING INDEX orders_/);
    }
  }
  database.close();
});

test('orders are listed newest first, by account, market and status, also within one millisecond', () => {
  const { database, rows } = open();
  rows.add(order('order-1'), 'open', 5);
  rows.add(order('order-2', { symbol: 'ETH-USD' }), 'open', 5);
  rows.add(order('order-3'), 'rejected', 5);
  rows.add(order('order-4', { account: 'bob' }), 'open', 5);
  rows.add(order('order-5', { symbol: 'ETH-USD' }), 'open', 5);
  rows.add(order('order-6'), 'open', 5);
  rows.fill({ orderId: 'order-1', price: 100, quantity: 4, remaining: 6 });
  rows.fill({ orderId: 'order-5', price: 100, quantity: 10, remaining: 0 });
  rows.cancel('order-6');
  const ids = (query: Partial<OrderQuery>): string =>
    rows
      .list({ account: 'alice', status: 'all', limit: 100, ...query })
      .map(({ id }) => id.slice(-1))
      .join('');
  assert.equal(ids({}), '65321');
  assert.equal(ids({ limit: 2 }), '65');
  assert.equal(ids({ status: 'open' }), '21');
  assert.equal(ids({ status: 'closed' }), '653');
  assert.equal(ids({ status: 'closed', limit: 1 }), '6');
  assert.equal(ids({ symbol: 'ETH-USD' }), '52');
  assert.equal(ids({ symbol: 'BTC-USD', status: 'open' }), '1');
  assert.equal(ids({ symbol: 'BTC-USD', status: 'closed' }), '63');
  assert.equal(ids({ account: 'carol' }), '');
  assert.deepEqual(rows.openIds(), ['order-1', 'order-2', 'order-4']);
  assert.equal(rows.count(), 6);
  database.close();
});

test('an order is found by its owner only', () => {
  const { database, rows } = open();
  rows.add(order('order-1'), 'open', 5);
  assert.equal(rows.find('alice', 'order-1')?.id, 'order-1');
  assert.equal(rows.find('bob', 'order-1'), undefined);
  assert.equal(rows.find('alice', 'order-2'), undefined);
  database.close();
});

test('the value of fills is exact beyond 64 bits', () => {
  const { database, rows } = open();
  const lots = Number.MAX_SAFE_INTEGER;
  rows.add(order('order-1', { quantity: lots }), 'open', 5);
  rows.fill({ orderId: 'order-1', price: lots - 1, quantity: lots - 2, remaining: 2 });
  rows.fill({ orderId: 'order-1', price: 3, quantity: 1, remaining: 1 });
  const { value, filled, remaining, status } = rows.find('alice', 'order-1')!;
  const most = BigInt(lots);
  assert.deepEqual([value, filled, remaining, status], [(most - 1n) * (most - 2n) + 3n, lots - 1, 1, 'open']);
  database.close();
});

test('fills and cancels of unknown orders are reported', () => {
  const { database, rows } = open();
  assert.equal(rows.fill({ orderId: 'order-1', price: 1, quantity: 1, remaining: 0 }), false);
  assert.equal(rows.cancel('order-1'), false);
  database.close();
});
