import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TradedMarket } from './traded-market.ts';

function change(side: 'buy' | 'sell', price: number, quantity: number) {
  const changes = [{ side, price, quantity }];
  return { kind: 'book', symbol: 'BTC-USD', sequence: 1, time: 0, changes } as const;
}

test('it starts from a depth and follows the changes', () => {
  const market = new TradedMarket({
    bids: [
      [1_000, 1],
      [999, 1],
    ],
    asks: [[1_003, 1]],
  });
  assert.deepEqual([market.bestBid, market.bestAsk, market.middle], [1_000, 1_003, 1_001]);
  market.apply(change('buy', 1_000, 0));
  market.apply(change('sell', 1_001, 5));
  assert.deepEqual([market.bestBid, market.bestAsk, market.middle], [999, 1_001, 1_000]);
});

test('a one-sided, empty or very wide market has no middle', () => {
  assert.equal(new TradedMarket().middle, undefined);
  assert.equal(new TradedMarket({ bids: [[1_000, 1]], asks: [] }).middle, undefined);
  assert.equal(new TradedMarket({ bids: [[1_000, 1]], asks: [[1_021, 1]] }).middle, undefined);
  assert.equal(new TradedMarket({ bids: [[1_000, 1]], asks: [[1_020, 1]] }).middle, 1_010);
});
