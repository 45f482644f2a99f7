import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CandleRow, CandleStore } from './candle-store.ts';
import type { TradeUpdate } from './market-update.ts';
import { marketDatabase } from './testing/market-database.ts';

const minute = 60_000;
const start = Date.UTC(2024, 7, 9, 23, 50);

function trade(time: number, price = 100, quantity = 1, symbol = 'BTC-USD'): TradeUpdate {
  return { kind: 'trade', symbol, sequence: 0, time, id: 0, price, quantity, side: 'buy' };
}

async function storeOf(trades: readonly TradeUpdate[]): Promise<CandleStore> {
  const database = marketDatabase();
  const store = new CandleStore(database);
  await database.write(() => {
    for (const one of trades) store.add(one);
  });
  return store;
}

/** Candles as they are defined: straight from the trades. */
function fold(trades: readonly TradeUpdate[], minutes: number): CandleRow[] {
  const groups = Map.groupBy(trades, ({ time }) => time - (time % (minutes * minute)));
  return [...groups]
    .map(([time, group]) => ({
      time,
      open: group[0]!.price,
      high: Math.max(...group.map(({ price }) => price)),
      low: Math.min(...group.map(({ price }) => price)),
      close: group.at(-1)!.price,
      volume: group.reduce((sum, { quantity }) => sum + quantity, 0),
      trades: group.length,
    }))
    .sort((one, other) => other.time - one.time);
}

const plain = (candles: readonly CandleRow[]) => candles.map((candle) => ({ ...candle }));

test('candles of every interval are the fold of the trades', async () => {
  // Steps of whole and half minutes, so that many trades are exactly at or just before a boundary.
  const step = fc.oneof(
    fc.constantFrom(0, 1, minute / 2, minute - 1, minute, 17 * minute),
    fc.nat({ max: 3e7 }),
  );
  const moves = fc.array(fc.tuple(step, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 9 })), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(moves, fc.integer({ min: 1, max: 70 }), async (series, limit) => {
      let time = start;
      const trades = series.map(([later, price, quantity]) => {
        time += later;
        return trade(time, price, quantity);
      });
      const store = await storeOf(trades);
      for (const minutes of [1, 5, 15, 60, 1_440]) {
        const expected = fold(trades, minutes).slice(0, limit);
        assert.deepEqual(plain(store.latest('BTC-USD', minutes, limit)), expected, `${minutes} minutes`);
      }
    }),
    { numRuns: 40 },
  );
});

test('a trade at the very start of an interval belongs to it, one a millisecond before to the earlier one', async () => {
  const midnight = Date.UTC(2024, 7, 10);
  const store = await storeOf([trade(midnight - 1, 7), trade(midnight, 8)]);
  for (const minutes of [1, 5, 15, 60, 1_440]) {
    const candles = store.latest('BTC-USD', minutes, 10);
    assert.deepEqual(
      candles.map(({ time, open }) => [time, open]),
      [
        [midnight, 8],
        [midnight - minutes * minute, 7],
      ],
    );
  }
});

test('a time without trades takes no place among the candles asked for', async () => {
  const store = await storeOf([
    trade(start, 1),
    trade(start + 3 * minute, 2),
    trade(start + 9_000 * minute, 3),
  ]);
  assert.deepEqual(
    store.latest('BTC-USD', 1, 2).map(({ open }) => open),
    [3, 2],
  );
});

test('every market has candles of its own', async () => {
  const store = await storeOf([trade(start, 1), trade(start, 2, 1, 'ETH-USD')]);
  assert.deepEqual(
    store.latest('ETH-USD', 1, 5).map(({ open }) => open),
    [2],
  );
  store.remove('ETH-USD');
  assert.deepEqual(store.latest('ETH-USD', 1, 5), []);
  assert.equal(store.latest('BTC-USD', 1, 5).length, 1);
});
