import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Side, SubmitAction } from './action.ts';
import { OwnOrders } from './own-orders.ts';

function submit(clientOrderId: string, side: Side, quantity: number): SubmitAction {
  return { kind: 'submit', clientOrderId, side, type: 'limit', price: 100, quantity, timeInForce: 'gtc' };
}

test('an order under way counts before it has an id', () => {
  const orders = new OwnOrders();
  orders.sent(submit('a', 'buy', 10));
  assert.deepEqual(orders.open, [
    {
      clientOrderId: 'a',
      orderId: undefined,
      side: 'buy',
      price: 100,
      quantity: 10,
      filled: 0,
      remaining: 10,
      cancelling: false,
    },
  ]);
  orders.refused('a');
  assert.deepEqual([orders.open, orders.position], [[], 0]);
});

test('the same fills reported twice and out of order count once', () => {
  const orders = new OwnOrders(5);
  orders.sent(submit('a', 'sell', 10));
  orders.report('a', { orderId: '1', filled: 0, open: true });
  orders.reportById({ orderId: '1', filled: 7, open: true });
  orders.report('a', { orderId: '1', filled: 3, open: true });
  orders.report('a', { orderId: '1', filled: 7, open: true });
  assert.deepEqual([orders.position, orders.open[0]?.remaining], [-2, 3]);
  orders.report('a', { orderId: '1', filled: 10, open: false });
  orders.report('a', { orderId: '1', filled: 10, open: false });
  assert.deepEqual([orders.position, orders.open], [-5, []]);
});

test('a fill that overtakes the answer to its submit is not lost', () => {
  const orders = new OwnOrders();
  orders.sent(submit('a', 'buy', 10));
  orders.sent(submit('b', 'buy', 10));
  orders.reportById({ orderId: '1', filled: 3, open: true });
  orders.reportById({ orderId: '1', filled: 10, open: false });
  orders.reportById({ orderId: '1', filled: 3, open: true });
  orders.reportById({ orderId: 'of somebody else', filled: 8, open: true });
  orders.report('a', { orderId: '1', filled: 0, open: true });
  orders.report('b', { orderId: '2', filled: 1, open: true });
  assert.equal(orders.position, 11);
  assert.deepEqual(
    orders.open.map(({ orderId, remaining }) => [orderId, remaining]),
    [['2', 9]],
  );
  orders.reportById({ orderId: '3', filled: 5, open: true });
  orders.sent(submit('c', 'buy', 10));
  orders.report('c', { orderId: '3', filled: 0, open: true });
  assert.equal(orders.position, 11, 'a report from before the submit is of another order');
});

test('a cancel under way is marked, and unmarked when it fails', () => {
  const orders = new OwnOrders();
  orders.sent(submit('a', 'buy', 10));
  orders.report('a', { orderId: '1', filled: 0, open: true });
  orders.sent({ kind: 'cancel', orderId: '1' });
  assert.equal(orders.open[0]?.cancelling, true);
  orders.cancelFailed('1');
  assert.equal(orders.open[0]?.cancelling, false);
  orders.cancelFailed('unknown');
});

test('orders from before a restart go on where they were', () => {
  const open = {
    clientOrderId: 'old',
    orderId: '9',
    side: 'buy',
    price: 99,
    quantity: 10,
    filled: 4,
  } as const;
  const orders = new OwnOrders(4, [open]);
  assert.equal(orders.open[0]?.remaining, 6);
  orders.reportById({ orderId: '9', filled: 10, open: false });
  assert.deepEqual([orders.position, orders.open], [10, []]);
});

test('position equals all fills whatever the order in which they are reported', () => {
  const fills = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fills, fc.boolean(), (reports, buy) => {
      const orders = new OwnOrders();
      orders.sent(submit('a', buy ? 'buy' : 'sell', 20));
      for (const filled of reports) orders.report('a', { orderId: '1', filled, open: true });
      const closed = reports.indexOf(20);
      const most = closed < 0 ? Math.max(...reports) : 20;
      assert.equal(orders.position, (buy ? most : -most) || 0);
      assert.equal(orders.open.length, closed < 0 ? 1 : 0);
    }),
  );
});

test('an order of an earlier process is taken over with what it has filled, once', () => {
  const orders = new OwnOrders(3);
  const order = {
    orderId: '9',
    clientOrderId: 'old',
    side: 'sell',
    price: 100,
    quantity: 10,
    filled: 4,
  } as const;
  orders.adopt(order);
  orders.reportById({ orderId: '9', filled: 6, open: true });
  orders.adopt(order);
  assert.deepEqual([orders.position, orders.open[0]?.remaining, orders.open.length], [1, 4, 1]);
});
