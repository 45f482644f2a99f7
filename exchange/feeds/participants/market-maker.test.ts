import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Action, SubmitAction, View } from './action.ts';
import { MarketMaker, type MarketMakerOptions } from './market-maker.ts';
import { NoiseTrader } from './noise-trader.ts';
import { OwnOrders } from './own-orders.ts';
import { Random } from './random.ts';
import { SimulatedMarket } from './simulated-market.ts';

function maker(options: Partial<MarketMakerOptions> = {}): MarketMaker {
  const random = new Random('maker');
  return new MarketMaker({
    name: 'maker',
    symbol: 'X',
    epoch: '1',
    random,
    spacing: 10,
    size: 20,
    ...options,
  });
}

/** Decides until nothing is left to do, every order being accepted and every cancel done at once. */
function settle(trader: MarketMaker, orders: OwnOrders, view: Partial<View>, now: number): Action[] {
  const all: Action[] = [];
  for (let round = 0; round < 50; round++) {
    const actions = trader.decide({
      now: now + round * 10_000,
      reference: 10_000,
      position: orders.position,
      own: orders.open,
      ...view,
    });
    if (actions.length === 0) return all;
    all.push(...actions);
    for (const action of actions) {
      orders.sent(action);
      if (action.kind === 'submit') {
        orders.report(action.clientOrderId, { orderId: `id-${action.clientOrderId}`, filled: 0, open: true });
      } else {
        orders.report(action.orderId.slice(3), { orderId: action.orderId, filled: 0, open: false });
      }
    }
  }
  throw new assert.AssertionError({ message: 'the market maker never comes to rest' });
}

function prices(orders: OwnOrders, side: 'buy' | 'sell'): number[] {
  const own = orders.open.filter((order) => order.side === side).map((order) => order.price!);
  return own.sort((one, other) => (side === 'buy' ? other - one : one - other));
}

function submits(actions: readonly Action[]): SubmitAction[] {
  return actions.filter((action) => action.kind === 'submit');
}

test('at once there are eight levels on each side of the reference', () => {
  const actions = submits(maker().decide({ now: 0, reference: 10_003, position: 0, own: [] }));
  const at = (side: string) => actions.filter((one) => one.side === side).map(({ price }) => price);
  assert.deepEqual(at('buy'), [9_990, 9_980, 9_970, 9_960, 9_950, 9_940, 9_930, 9_920]);
  assert.deepEqual(at('sell'), [10_010, 10_020, 10_030, 10_040, 10_050, 10_060, 10_070, 10_080]);
  for (const { quantity, type, timeInForce } of actions) {
    assert.ok(quantity >= 10 && quantity <= 40);
    assert.deepEqual([type, timeInForce], ['limit', 'gtc']);
  }
});

test('orders under way are not sent again, and those at rest are left alone', () => {
  const trader = maker();
  const orders = new OwnOrders();
  for (const action of trader.decide({ now: 0, reference: 10_000, position: 0, own: [] }))
    orders.sent(action);
  assert.deepEqual(trader.decide({ now: 60_000, reference: 10_000, position: 0, own: orders.open }), []);
  for (const { clientOrderId } of orders.open)
    orders.report(clientOrderId, { orderId: clientOrderId, filled: 0, open: true });
  assert.deepEqual(trader.decide({ now: 120_000, reference: 10_005, position: 0, own: orders.open }), []);
});

test('a move of one step costs a few actions, and the quotes follow', () => {
  const trader = maker();
  const orders = new OwnOrders();
  settle(trader, orders, {}, 0);
  const actions = settle(trader, orders, { reference: 10_010 }, 1_000_000);
  assert.ok(actions.length > 0 && actions.length <= 4, `${actions.length} actions`);
  assert.deepEqual([prices(orders, 'buy')[0], prices(orders, 'sell')[0]], [10_000, 10_020]);
});

test('after a jump nothing is quoted through an own order that is still there', () => {
  const trader = maker();
  const orders = new OwnOrders();
  settle(trader, orders, {}, 0);
  const lowestSell = prices(orders, 'sell')[0]!;
  const jump = trader.decide({ now: 1_000_000, reference: 10_060, position: 0, own: orders.open });
  assert.ok(jump.some(({ kind }) => kind === 'cancel'));
  for (const { side, price } of submits(jump)) assert.ok(side === 'sell' || price! < lowestSell);
  settle(trader, orders, { reference: 10_060 }, 2_000_000);
  assert.ok(prices(orders, 'buy')[0]! < prices(orders, 'sell')[0]!);
  assert.equal(prices(orders, 'buy')[0], 10_050);
});

test('a long position moves the quotes down, a short one up', () => {
  const best = (position: number) => {
    const orders = new OwnOrders(position);
    settle(maker({ maxPosition: 1_000 }), orders, {}, 0);
    return prices(orders, 'sell')[0]!;
  };
  assert.ok(best(800) < best(0) && best(0) < best(-800));
});

test('at the limit of its position it quotes the other side only', () => {
  const orders = new OwnOrders(1_000);
  settle(maker({ maxPosition: 1_000 }), orders, {}, 0);
  assert.equal(prices(orders, 'buy').length, 0);
  assert.equal(prices(orders, 'sell').length, 8);
});

test('orders from before a restart that are off the grid are replaced', () => {
  const open = {
    clientOrderId: 'old',
    orderId: 'id-old',
    side: 'buy',
    price: 9_987,
    quantity: 10,
    filled: 0,
  } as const;
  const orders = new OwnOrders(0, [open]);
  settle(maker(), orders, {}, 0);
  assert.ok(prices(orders, 'buy').every((price) => price % 10 === 0));
  assert.equal(prices(orders, 'buy').length, 8);
});

test('it does not act more often than it may', () => {
  const trader = maker({ actionsPerSecond: 2 });
  const orders = new OwnOrders();
  let sent = 0;
  for (let now = 0; now < 60_000; now += 100) {
    const reference = 10_000 + (now % 1_000 < 500 ? 0 : 5_000);
    for (const action of trader.decide({ now, reference, position: 0, own: orders.open })) {
      sent++;
      orders.sent(action);
      const id = action.kind === 'submit' ? action.clientOrderId : action.orderId;
      orders.report(id, { orderId: id, filled: 0, open: action.kind === 'submit' });
    }
  }
  assert.ok(sent > 60 && sent <= 16 + 120, `${sent} actions`);
});

test('whatever the price does, quotes are positive, never meet, and the position stays within its limit', () => {
  const moves = fc.array(fc.integer({ min: -60, max: 60 }), { minLength: 40, maxLength: 40 });
  const start = fc.integer({ min: 1, max: 3_000 });
  const latency = fc.constantFrom(0, 30, 250, 1_200);
  fc.assert(
    fc.property(start, moves, latency, fc.string(), (from, path, latencyMs, seed) => {
      const limit = 150;
      const trader = maker({ maxPosition: limit, random: new Random(seed), actionsPerSecond: 20 });
      const taker = (name: string) =>
        new NoiseTrader({
          name,
          symbol: 'X',
          epoch: '1',
          random: new Random(seed + name),
          size: 60,
          spacing: 10,
          actionsPerSecond: 8,
          maxPosition: 10_000,
        });
      let price = from;
      let step = 0;
      const reference = (now: number) => {
        if (now % 500 === 0) price = Math.max(1, price + (path[step++ % path.length] ?? 0));
        return price;
      };
      const market = new SimulatedMarket([trader, taker('one'), taker('two')], reference, latencyMs);
      market.run(20_000, () => {
        assert.ok(Math.abs(market.position('maker')) <= limit);
        const own = market.open('maker');
        const sum = (side: string) =>
          own.filter((order) => order.side === side).reduce((total, { remaining }) => total + remaining, 0);
        assert.ok(market.position('maker') + sum('buy') <= limit);
        assert.ok(market.position('maker') - sum('sell') >= -limit);
        const buys = own.filter(({ side }) => side === 'buy').map((order) => order.price!);
        const sells = own.filter(({ side }) => side === 'sell').map((order) => order.price!);
        assert.ok(Math.max(...buys) < Math.min(...sells), 'own quotes meet');
      });
      for (const { action } of market.actions) {
        if (action.kind === 'cancel') continue;
        assert.ok(Number.isSafeInteger(action.quantity) && action.quantity > 0);
        assert.ok(action.price === undefined || (Number.isSafeInteger(action.price) && action.price > 0));
      }
      assert.ok(market.trades.every(({ buyer, seller }) => buyer !== 'maker' || seller !== 'maker'));
    }),
    { numRuns: 40 },
  );
});

test('options that make no sense are refused', () => {
  for (const options of [
    { spacing: 0 },
    { size: 1.5 },
    { levels: 0 },
    { maxPosition: -1 },
    { actionsPerSecond: 0 },
  ]) {
    assert.throws(() => maker(options), RangeError);
  }
});
