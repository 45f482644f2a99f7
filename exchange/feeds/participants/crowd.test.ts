import assert from 'node:assert/strict';
import test from 'node:test';
import type { Action } from './action.ts';
import { createCrowd } from './crowd.ts';
import { SimulatedMarket } from './simulated-market.ts';

/** Instruments of very different prices: a tick is 1 part in 60,000 of one and in 250 of another. */
const SYMBOLS = [
  { symbol: 'BTC-USD', anchor: 6_000_000 },
  { symbol: 'ACME-USD', anchor: 10_000 },
  { symbol: 'PENNY-USD', anchor: 250 },
];

function markets(seed: string, epoch = '1') {
  return createCrowd({ symbols: SYMBOLS, seed, epoch }).map(({ symbol, reference, participants }) => {
    const names = participants.map(({ name }) => name);
    return { symbol, names, market: new SimulatedMarket(participants, reference) };
  });
}

test('every market has five levels a side within half a second, trades within one, and stays so', () => {
  for (const seed of ['one', 'two', 'three']) {
    for (const { symbol, market } of markets(seed)) {
      market.run(180_000, ({ now, bids, asks }) => {
        if (now < 1_000_500) return;
        assert.ok(bids.size >= 5 && asks.size >= 5, `${symbol}: ${bids.size}/${asks.size} levels at ${now}`);
      });
      assert.ok(market.trades[0] && market.trades[0].time <= 1_001_000, `${symbol} trades late or never`);
      assert.ok(market.trades.length > 180, `${symbol}: ${market.trades.length} trades in 180 s`);
    }
  }
});

test('all together act 15 to 25 times a second', () => {
  for (const seed of ['one', 'two', 'three']) {
    let actions = 0;
    for (const { market } of markets(seed)) {
      market.run(120_000);
      actions += market.actions.length;
    }
    assert.ok(actions >= 15 * 120 && actions <= 25 * 120, `${actions / 120} actions a second`);
  }
});

test('over an hour books never cross, nobody trades with himself, and positions stay bounded', () => {
  for (const { names, market } of markets('hour')) {
    market.run(3_600_000, ({ bids, asks }) => {
      assert.ok(Math.max(...bids.keys()) < Math.min(...asks.keys()));
      for (const name of names) assert.ok(Math.abs(market.position(name)) <= 60 * 20, name);
    });
    assert.ok(market.trades.every(({ buyer, seller }) => buyer !== seller));
    assert.equal(
      names.reduce((sum, name) => sum + market.position(name), 0),
      0,
    );
  }
});

function actionsOf(seed: string, epoch: string): Action[][] {
  return markets(seed, epoch).map(({ market }) => {
    market.run(30_000);
    return market.actions.map(({ action }) => action);
  });
}

test('the same seed and epoch give the same actions', () => {
  assert.deepEqual(actionsOf('same', '1'), actionsOf('same', '1'));
  assert.notDeepEqual(actionsOf('same', '1'), actionsOf('other', '1'));
});

test('another epoch gives the same behaviour under ids that were never used before', () => {
  const ids = (all: Action[][]) =>
    all.flat().flatMap((one) => (one.kind === 'submit' ? [one.clientOrderId] : []));
  const [first, second] = [actionsOf('same', '1'), actionsOf('same', '2')];
  const used = new Set(ids(first));
  assert.equal(used.size, ids(first).length);
  assert.ok(ids(second).every((id) => !used.has(id)));
  const plain = (all: Action[][]) =>
    all.flat().map((one) => (one.kind === 'submit' ? { ...one, clientOrderId: '' } : one));
  assert.deepEqual(plain(first), plain(second));
});

test('a price too low to quote levels around is refused', () => {
  assert.throws(
    () => createCrowd({ symbols: [{ symbol: 'X', anchor: 50 }], seed: 's', epoch: '1' }),
    RangeError,
  );
});
