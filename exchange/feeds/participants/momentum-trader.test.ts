import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action, OwnOrder } from './action.ts';
import { MomentumTrader } from './momentum-trader.ts';
import { Random } from './random.ts';

function momentum(): MomentumTrader {
  const random = new Random('momentum');
  return new MomentumTrader({ name: 'momentum', symbol: 'X', epoch: '1', random, size: 20, threshold: 20 });
}

interface Situation {
  readonly mid: (now: number) => number;
  readonly position?: number;
  readonly own?: readonly OwnOrder[];
}

function run({ mid, position = 0, own = [] }: Situation, ms = 10_000): { now: number; action: Action }[] {
  const trader = momentum();
  const actions: { now: number; action: Action }[] = [];
  for (let now = 0; now < ms; now += 100) {
    const [bestBid, bestAsk] = [mid(now) - 5, mid(now) + 5];
    const view = { now, reference: mid(now), bestBid, bestAsk, position, own };
    for (const action of trader.decide(view)) actions.push({ now, action });
  }
  return actions;
}

const rising = (now: number) => 10_000 + Math.floor(now / 100);
const still = () => 10_000;

test('it buys into a rise and sells into a fall, at a limited price', () => {
  const buys = run({ mid: rising });
  assert.ok(buys.length >= 3);
  for (const { now, action } of buys) {
    assert.ok(action.kind === 'submit' && action.side === 'buy' && action.timeInForce === 'ioc');
    assert.equal(action.price, rising(now) + 5 + 20);
    assert.ok(action.quantity >= 1 && action.quantity <= 20);
  }
  const sells = run({ mid: (now) => 20_000 - rising(now) });
  assert.ok(sells.length >= 3);
  assert.ok(sells.every(({ action }) => action.kind === 'submit' && action.side === 'sell'));
});

test('it pauses between orders', () => {
  const times = run({ mid: rising }).map(({ now }) => now);
  for (const [index, time] of times.entries()) assert.ok(index === 0 || time - times[index - 1]! >= 1_500);
});

test('without a move it does nothing, and takes a position off', () => {
  assert.deepEqual(run({ mid: still }), []);
  for (const position of [7, -7]) {
    const out = run({ mid: still, position });
    assert.ok(out.length > 0);
    for (const { action } of out) {
      assert.ok(action.kind === 'submit' && action.type === 'market');
      assert.equal(action.side, position > 0 ? 'sell' : 'buy');
      assert.ok(action.quantity >= 1 && action.quantity <= 7);
    }
  }
});

test('it stops at the limit of its position and while an order is under way', () => {
  assert.deepEqual(run({ mid: rising, position: 300 }), []);
  assert.ok(
    run({ mid: rising, position: 299 }).every(
      ({ action }) => action.kind === 'submit' && action.quantity === 1,
    ),
  );
  const order = { orderId: undefined, side: 'buy', price: 1, remaining: 1, cancelling: false } as const;
  assert.deepEqual(run({ mid: rising, own: [{ clientOrderId: 'x', ...order }] }), []);
});

test('a fall towards zero never makes a price below one tick', () => {
  const falling = (now: number) => Math.max(6, 106 - Math.floor(now / 100));
  const actions = run({ mid: falling });
  assert.ok(actions.length > 0);
  for (const { action } of actions) assert.ok(action.kind === 'submit' && (action.price ?? 1) >= 1);
});
