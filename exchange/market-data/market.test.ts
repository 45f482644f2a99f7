import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Market } from './market.ts';
import type { BookUpdate, LevelChange, TradeUpdate } from './market-update.ts';

function book(sequence: number, changes: readonly LevelChange[]): BookUpdate {
  return { kind: 'book', symbol: 'BTC-USD', sequence, time: 0, changes };
}

function trade(sequence: number): TradeUpdate {
  return { kind: 'trade', symbol: 'BTC-USD', sequence, time: 0, id: 1, price: 1, quantity: 1, side: 'buy' };
}

const bid = (price: number, quantity: number): LevelChange => ({ side: 'buy', price, quantity });
const ask = (price: number, quantity: number): LevelChange => ({ side: 'sell', price, quantity });

test('the book is the sum of the changes, best first on both sides, as deep as asked for', () => {
  const market = new Market('BTC-USD');
  market.apply(book(1, [bid(10, 5), bid(12, 3), ask(14, 1), ask(13, 2)]));
  market.apply(trade(2));
  market.apply(book(3, [bid(12, 0), bid(11, 4)]));
  assert.deepEqual(market.book(), {
    sequence: 3,
    bids: [
      [11, 4],
      [10, 5],
    ],
    asks: [
      [13, 2],
      [14, 1],
    ],
  });
  assert.deepEqual(market.book(1), { sequence: 3, bids: [[11, 4]], asks: [[13, 2]] });
});

test('an update that does not follow is refused and changes nothing', () => {
  const market = new Market('BTC-USD', 7, [bid(10, 5)]);
  for (const sequence of [7, 9]) {
    assert.throws(() => market.apply(book(sequence, [bid(10, 0)])), { code: 'internal' });
  }
  assert.deepEqual(market.book(), { sequence: 7, bids: [[10, 5]], asks: [] });
});

test('a book is crossed when its best bid reaches its best ask', () => {
  const market = new Market('BTC-USD', 0, [bid(10, 1), ask(11, 1)]);
  assert.equal(market.crossed, false);
  market.apply(book(1, [bid(11, 1)]));
  assert.equal(market.crossed, true);
  market.apply(book(2, [ask(11, 0)]));
  assert.equal(market.crossed, false);
});
