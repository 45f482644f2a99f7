import assert from 'node:assert/strict';
import { test } from 'node:test';
import { units } from './testing/books.ts';
import { deposit, type Trade, tradeTransfer, unbalancedAsset } from './transfer.ts';

const trade: Trade = {
  kind: 'trade',
  symbol: 'BTC-USD',
  time: 7,
  sequence: 3,
  id: 2,
  price: 6_000_010,
  quantity: 15_000,
  aggressor: 'buy',
  makerOrderId: 'order-maker',
  makerAccount: 'maker',
  takerOrderId: 'order-taker',
  takerAccount: 'taker',
};
const { units: bitcoin } = units.get('BTC-USD')!;

test('in a trade the buyer pays quote for base, whichever side took', () => {
  const entries = (buyer: string, seller: string) => [
    { account: buyer, asset: 'USD', amount: -90_000_150_000n },
    { account: buyer, asset: 'BTC', amount: 150_000_000n },
    { account: seller, asset: 'USD', amount: 90_000_150_000n },
    { account: seller, asset: 'BTC', amount: -150_000_000n },
  ];
  const bought = tradeTransfer(trade, bitcoin);
  assert.deepEqual(bought, { id: 'trade:BTC-USD:2', time: 7, entries: entries('taker', 'maker') });
  const sold = tradeTransfer({ ...trade, aggressor: 'sell' }, bitcoin);
  assert.deepEqual(sold.entries, entries('maker', 'taker'));
});

test('a trade beyond 2^53 minor units is exact', () => {
  const large = tradeTransfer({ ...trade, price: 900_719_925_474_099, quantity: 1_001 }, bitcoin);
  assert.equal(large.entries[2]!.amount, 900_719_925_474_099n * 1_001n);
});

test('a deposit comes out of the house, asset by asset, and nothing is booked for nothing', () => {
  const amounts = [
    { asset: 'USD', amount: 5n },
    { asset: 'BTC', amount: 0n },
  ];
  assert.deepEqual(deposit('first', 'alice', amounts, 1), {
    id: 'deposit:first',
    time: 1,
    entries: [
      { account: 'house', asset: 'USD', amount: -5n },
      { account: 'alice', asset: 'USD', amount: 5n },
    ],
  });
});

test('balance is per asset: one asset cannot make up for another', () => {
  const entries = [
    { account: 'a', asset: 'USD', amount: 5n },
    { account: 'b', asset: 'BTC', amount: -5n },
  ];
  assert.equal(unbalancedAsset(entries), 'USD');
  assert.equal(unbalancedAsset(entries.map((entry) => ({ ...entry, asset: 'USD' }))), undefined);
});
