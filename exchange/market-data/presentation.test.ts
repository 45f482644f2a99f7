import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instrumentUnits } from '@exchange/reference/units';
import { MarketEvent } from './contract.ts';
import { presentCandle, presentSnapshot, presentTrade, presentUpdate } from './presentation.ts';

const units = instrumentUnits(
  { symbol: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.05', lotSize: '0.0001' },
  { USD: 6, BTC: 8 },
);
const time = Date.UTC(2024, 7, 9, 12, 30, 5, 7);

test('a book change is split by side, in decimals, with a removed level as zero', () => {
  const event = presentUpdate(units, {
    kind: 'book',
    symbol: 'BTC-USD',
    sequence: 8,
    time,
    changes: [
      { side: 'sell', price: 1_200_001, quantity: 0 },
      { side: 'buy', price: 1_200_000, quantity: 15 },
    ],
  });
  assert.deepEqual(event, {
    type: 'book',
    symbol: 'BTC-USD',
    sequence: 8,
    time: '2024-08-09T12:30:05.007Z',
    bids: [['60000.00', '0.0015']],
    asks: [['60000.05', '0.0000']],
  });
  assert.deepEqual(MarketEvent.parse(event), event);
});

test('trades, candles and snapshots are in decimals with all their digits', () => {
  const trade = {
    kind: 'trade',
    symbol: 'BTC-USD',
    sequence: 9,
    time,
    id: 4,
    price: 2,
    quantity: 10_000,
  } as const;
  assert.deepEqual(presentTrade(units, { ...trade, side: 'sell' }), {
    id: 4,
    sequence: 9,
    price: '0.10',
    quantity: '1.0000',
    side: 'sell',
    time: '2024-08-09T12:30:05.007Z',
  });
  const shown = presentUpdate(units, { ...trade, side: 'buy' });
  assert.deepEqual(MarketEvent.parse(shown), shown);
  assert.deepEqual(
    presentCandle(units, { time: 0, open: 1, high: 4, low: 1, close: 3, volume: 7, trades: 2 }),
    {
      time: '1970-01-01T00:00:00.000Z',
      open: '0.05',
      high: '0.20',
      low: '0.05',
      close: '0.15',
      volume: '0.0007',
      trades: 2,
    },
  );
  const snapshot = presentSnapshot(units, { sequence: 3, bids: [[20, 1]], asks: [] });
  assert.deepEqual(snapshot, {
    type: 'snapshot',
    symbol: 'BTC-USD',
    sequence: 3,
    bids: [['1.00', '0.0001']],
    asks: [],
  });
  assert.deepEqual(MarketEvent.parse(snapshot), snapshot);
});
