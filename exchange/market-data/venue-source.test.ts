import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VenueEvent } from '@exchange/feeds';
import { instrumentUnits } from '@exchange/reference/units';
import fc from 'fast-check';
import { Market } from './market.ts';
import type { LevelChange } from './market-update.ts';
import { updateOf } from './venue-source.ts';

const symbol = 'BTCUSDT.BINANCE';
const units = instrumentUnits(
  { symbol, base: 'BTC', quote: 'USDT', tickSize: '0.01', lotSize: '0.00000001' },
  { BTC: 8, USDT: 10 },
);
const time = Date.UTC(2024, 7, 9);
const numbers = { symbol, run: 1, sequence: 70, time: new Date(time).toISOString() };
const bid = { side: 'buy', price: '100.00', quantity: '1.00000000' } as const;
const ask = { side: 'sell', price: '100.01', quantity: '2.50000000' } as const;

function update(event: VenueEvent, levels: readonly LevelChange[] = []) {
  return updateOf(event, { sequence: 8, levels: () => levels }, units);
}

test('changed levels come in ticks and lots, under the public sequence', () => {
  const event: VenueEvent = { kind: 'book', ...numbers, levels: [bid, { ...ask, quantity: '0.00000000' }] };
  assert.deepEqual(update(event), {
    kind: 'book',
    symbol,
    sequence: 9,
    time,
    changes: [
      { side: 'buy', price: 10_000, quantity: 100_000_000 },
      { side: 'sell', price: 10_001, quantity: 0 },
    ],
  });
});

test('a trade keeps the id of its venue', () => {
  const event: VenueEvent = { kind: 'trade', ...numbers, id: 3_700_000_001, ...ask };
  const expected = {
    sequence: 9,
    time,
    id: 3_700_000_001,
    price: 10_001,
    quantity: 250_000_000,
    side: 'sell',
  };
  assert.deepEqual(update(event), { kind: 'trade', symbol, ...expected });
});

test('a snapshot is the difference to the present book', () => {
  const present: LevelChange[] = [
    { side: 'buy', price: 10_000, quantity: 100_000_000 },
    { side: 'buy', price: 9_999, quantity: 5 },
  ];
  const event: VenueEvent = { kind: 'snapshot', ...numbers, levels: [bid, ask] };
  assert.deepEqual(update(event, present), {
    kind: 'book',
    symbol,
    sequence: 9,
    time,
    changes: [
      { side: 'sell', price: 10_001, quantity: 250_000_000 },
      { side: 'buy', price: 9_999, quantity: 0 },
    ],
  });
});

test('a gap empties the book', () => {
  const present: LevelChange[] = [
    { side: 'buy', price: 10_000, quantity: 1 },
    { side: 'sell', price: 10_001, quantity: 1 },
  ];
  assert.deepEqual(update({ kind: 'gap', ...numbers }, present), {
    kind: 'book',
    symbol,
    sequence: 9,
    time,
    changes: [
      { side: 'buy', price: 10_000, quantity: 0 },
      { side: 'sell', price: 10_001, quantity: 0 },
    ],
  });
});

test('the difference turns any book into any other, and names nothing that is so already', () => {
  const side = fc.constantFrom('buy' as const, 'sell' as const);
  const level = fc.record({
    side,
    price: fc.integer({ min: 1, max: 8 }),
    quantity: fc.integer({ min: 1, max: 3 }),
  });
  const levels = fc.uniqueArray(level, { selector: (one) => `${one.side} ${one.price}` });
  fc.assert(
    fc.property(levels, levels, (before, after) => {
      const written = after.map(({ price, quantity, ...rest }) => ({
        ...rest,
        price: `0.0${price}`,
        quantity: `0.0000000${quantity}`,
      }));
      const event: VenueEvent = { kind: 'snapshot', ...numbers, levels: written };
      const changed = update(event, before);
      const changes = changed?.kind === 'book' ? changed.changes : [];
      for (const { side, price, quantity } of changes) {
        const was = before.find((one) => one.side === side && one.price === price)?.quantity ?? 0;
        assert.notEqual(was, quantity);
      }
      const market = new Market(symbol, 8, before);
      market.apply({ kind: 'book', symbol, sequence: 9, time, changes });
      assert.deepEqual(market.book(), new Market(symbol, 9, after).book());
    }),
  );
});

test('what changes nothing is no update', () => {
  const present: LevelChange[] = [{ side: 'buy', price: 10_000, quantity: 100_000_000 }];
  assert.equal(update({ kind: 'snapshot', ...numbers, levels: [bid] }, present), undefined);
  assert.equal(update({ kind: 'gap', ...numbers }), undefined);
});
