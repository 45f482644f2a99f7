import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action, OwnOrder, SubmitAction, View } from './action.ts';
import { NoiseTrader } from './noise-trader.ts';
import { Random } from './random.ts';

function noise(seed: string, maxPosition = 400): NoiseTrader {
  const random = new Random(seed);
  return new NoiseTrader({
    name: 'noise',
    symbol: 'X',
    epoch: '1',
    random,
    size: 20,
    spacing: 10,
    maxPosition,
  });
}

function run(trader: NoiseTrader, view: Partial<View>, ms = 600_000): Action[] {
  const actions: Action[] = [];
  for (let now = 0; now < ms; now += 100) {
    actions.push(
      ...trader.decide({
        now,
        reference: 10_000,
        bestBid: 9_990,
        bestAsk: 10_010,
        position: 0,
        own: [],
        ...view,
      }),
    );
  }
  return actions;
}

function submits(actions: readonly Action[]): SubmitAction[] {
  return actions.filter((action) => action.kind === 'submit');
}

function own(fields: Partial<OwnOrder>): OwnOrder {
  return {
    clientOrderId: 'c',
    orderId: 'o',
    side: 'sell',
    price: 10_010,
    remaining: 5,
    cancelling: false,
    ...fields,
  };
}

test('the first order takes, and comes within the first 400 ms', () => {
  for (let seed = 0; seed < 200; seed++) {
    const [first] = submits(run(noise(`first-${seed}`), {}, 400));
    assert.equal(first?.timeInForce, 'ioc');
  }
});

test('it acts as often as asked, mostly taking, on both sides, in small orders', () => {
  const orders = submits(run(noise('mix'), {}));
  assert.ok(Math.abs(orders.length - 900) < 120, `${orders.length} orders in 600 s`);
  const count = (test: (order: SubmitAction) => boolean) => orders.filter(test).length / orders.length;
  assert.ok(count(({ timeInForce }) => timeInForce === 'ioc') > 0.7);
  assert.ok(count(({ type }) => type === 'market') > 0.3);
  assert.ok(Math.abs(count(({ side }) => side === 'buy') - 0.5) < 0.1);
  assert.ok(count(({ quantity }) => quantity <= 10) > 0.6);
  for (const { quantity, type, price, side, timeInForce } of orders) {
    assert.ok(Number.isInteger(quantity) && quantity >= 1 && quantity <= 20);
    if (type === 'market') assert.deepEqual([price, timeInForce], [undefined, 'ioc']);
    else if (timeInForce === 'ioc') assert.equal(price, side === 'buy' ? 10_010 : 9_990);
    else assert.ok(side === 'buy' ? price! <= 9_990 && price! > 9_970 : price! >= 10_010 && price! < 10_030);
  }
});

test('with a side of the book empty it waits, and acts once there is one', () => {
  const trader = noise('empty');
  assert.deepEqual(run(trader, { bestAsk: undefined }, 5_000), []);
  assert.equal(
    trader.decide({ now: 5_000, reference: 1, bestBid: 1, bestAsk: 2, position: 0, own: [] }).length,
    1,
  );
});

test('at the limit of its position it only reduces it', () => {
  for (const position of [400, -400]) {
    const orders = submits(run(noise('limit'), { position }));
    assert.ok(orders.length > 100);
    assert.ok(orders.every(({ side }) => side === (position > 0 ? 'sell' : 'buy')));
  }
});

test('it never takes from a side where an own order rests, but cancels that', () => {
  const actions = run(noise('self'), { own: [own({})] });
  assert.ok(submits(actions).every(({ side }) => side === 'sell'));
  assert.ok(actions.some((action) => action.kind === 'cancel' && action.orderId === 'o'));
});

test('it never cancels what has no id yet or is being cancelled', () => {
  for (const fields of [{ orderId: undefined }, { cancelling: true }]) {
    assert.ok(run(noise('again'), { own: [own(fields)] }).every(({ kind }) => kind === 'submit'));
  }
});

test('a price of one tick is quoted as such, never as zero', () => {
  for (const { price } of submits(run(noise('low'), { bestBid: 1, bestAsk: 2 }))) {
    assert.ok(price === undefined || price >= 1);
  }
});
