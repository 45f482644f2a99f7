import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instrumentUnits, priceToTicks } from '@exchange/reference/units';
import { orderSize } from './order-size.ts';

const assets = { USD: 6, BTC: 8, SOL: 8 };

function sizeOf(base: 'BTC' | 'SOL', tickSize: string, lotSize: string, price: string): number {
  const units = instrumentUnits({ symbol: `${base}-USD`, base, quote: 'USD', tickSize, lotSize }, assets);
  return orderSize(units, priceToTicks(units, price));
}

test('a usual order is worth the same in markets of different prices and lots', () => {
  assert.equal(sizeOf('BTC', '0.01', '0.0001', '60000'), 833);
  assert.equal(sizeOf('SOL', '0.001', '0.01', '150'), 3_333);
});

test('it is at least a lot, and no more than a participant is funded for', () => {
  assert.equal(sizeOf('BTC', '0.01', '1', '60000'), 1);
  assert.equal(sizeOf('SOL', '0.001', '0.01', '0.01'), 10_000);
});
