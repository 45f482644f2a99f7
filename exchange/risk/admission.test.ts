import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { instrumentUnits } from '@exchange/reference/units';
import { isSameBody, orderBody, protectionPrice } from './admission.ts';
import { heldAsset, holdFor } from './hold.ts';

const instrument = {
  symbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  tickSize: '0.05',
  lotSize: '0.0001',
  status: 'open',
  referencePrice: '60000.02',
} as const;
const known = { instrument, units: instrumentUnits(instrument, { BTC: 8, USD: 6 }) };
const input = {
  clientOrderId: 'a',
  symbol: 'BTC-USD',
  side: 'buy',
  type: 'limit',
  price: '60000.10',
  quantity: '1.5',
  timeInForce: 'gtc',
} as const;

describe('the integers of a request', () => {
  test('price and quantity become ticks and lots', () => {
    const { price, quantity } = orderBody(input, known);
    assert.deepEqual([price, quantity], [1_200_002, 15_000]);
  });

  test('how a number is written does not make another order, and anything else does', () => {
    const body = orderBody(input, known);
    assert.ok(isSameBody(body, orderBody({ ...input, price: '60000.1', quantity: '1.5000' }, known)));
    for (const other of [
      { price: '60000.15' },
      { quantity: '1' },
      { side: 'sell' },
      { timeInForce: 'ioc' },
    ]) {
      assert.ok(!isSameBody(body, orderBody({ ...input, ...other } as typeof input, known)));
    }
  });
});

describe('the protection price of a market order', () => {
  test('it is ten per cent from the last trade, rounded towards it', () => {
    assert.equal(protectionPrice({ side: 'buy' }, known, 1_005), 1_105);
    assert.equal(protectionPrice({ side: 'sell' }, known, 1_005), 905);
    assert.equal(protectionPrice({ side: 'sell' }, known, 1), 1);
    assert.equal(protectionPrice({ side: 'buy' }, known, 1), 1);
  });

  test('before the first trade it starts from the reference price', () => {
    assert.equal(protectionPrice({ side: 'buy' }, known, undefined), 1_320_000);
    const coarse = { ...instrument, tickSize: '5', referencePrice: '123.45' };
    const units = instrumentUnits(coarse, { BTC: 8, USD: 6 });
    assert.equal(protectionPrice({ side: 'buy' }, { instrument: coarse, units }, undefined), 26);
  });
});

describe('the hold of an order', () => {
  test('a buyer holds the cost at the worst price, a seller the lots', () => {
    const bid = { side: 'buy', type: 'limit', price: 1_200_002 } as const;
    assert.equal(heldAsset(bid, known.units), 'USD');
    assert.equal(holdFor(bid, known.units, 15_000), 90_000_150_000n);
    const market = { side: 'buy', type: 'market', protection: 1_320_000 } as const;
    assert.equal(holdFor(market, known.units, 1), 6_600_000n);
    const ask = { side: 'sell', type: 'market', protection: 1 } as const;
    assert.equal(heldAsset(ask, known.units), 'BTC');
    assert.equal(holdFor(ask, known.units, 15_000), 150_000_000n);
  });
});
