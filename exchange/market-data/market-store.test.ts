import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Market } from './market.ts';
import { MarketStore, type MarketStoreOptions } from './market-store.ts';
import type { LevelChange, MarketUpdate, TradeUpdate } from './market-update.ts';
import { marketDatabase } from './testing/market-database.ts';

function book(sequence: number, changes: readonly LevelChange[] = [], symbol = 'BTC-USD'): MarketUpdate {
  return { kind: 'book', symbol, sequence, time: 5, changes };
}

function trade(sequence: number, id = sequence): TradeUpdate {
  return {
    kind: 'trade',
    symbol: 'BTC-USD',
    sequence,
    time: 60_000 + sequence,
    id,
    price: 7,
    quantity: 2,
    side: 'sell',
  };
}

function openStore({ path, ...options }: MarketStoreOptions & { readonly path?: string } = {}) {
  const database = marketDatabase(path);
  const store = new MarketStore(database, options);
  const save = (updates: readonly MarketUpdate[]) => database.write(() => store.write(updates));
  return { database, store, save };
}

const change = fc.record({
  side: fc.constantFrom('buy' as const, 'sell' as const),
  price: fc.integer({ min: 1, max: 6 }),
  quantity: fc.nat({ max: 3 }),
});

test('a market is loaded as it was after its last update', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 12 }),
      async (series) => {
        const { database, save } = openStore();
        const market = new Market('BTC-USD');
        for (const [index, changes] of series.entries()) {
          const update = book(index + 1, changes);
          market.apply(update);
          await save([update]);
        }
        const [loaded, ...others] = new MarketStore(database).load();
        assert.deepEqual(others, []);
        assert.deepEqual(loaded!.book(), market.book());
      },
    ),
    { numRuns: 40 },
  );
});

test('books, trades and candles survive a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'market-store-'));
  try {
    const path = join(folder, 'market-data.sqlite');
    const before = openStore({ path });
    const bids: LevelChange = { side: 'buy', price: 6, quantity: 3 };
    await before.save([book(1, [bids]), trade(2), trade(3)]);
    before.database.close();
    const { store, database } = openStore({ path });
    const stored = store.stored('BTC-USD');
    assert.deepEqual([stored.sequence, stored.levels().map((level) => ({ ...level }))], [3, [bids]]);
    assert.deepEqual(store.load()[0]!.book(), { sequence: 3, bids: [[6, 3]], asks: [] });
    assert.deepEqual(store.trades('BTC-USD', 10), [trade(3), trade(2)]);
    assert.deepEqual(store.trades('BTC-USD', 1), [trade(3)]);
    assert.equal(store.candles.latest('BTC-USD', 1, 1)[0]!.trades, 2);
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('an update that does not follow the stored one is refused, with all that were to be stored with it', async () => {
  const { store, save } = openStore();
  await assert.rejects(save([book(2)]), { code: 'internal' });
  await save([book(1)]);
  for (const wrong of [[book(1)], [book(3)], [trade(2), trade(2)], [trade(2), book(4)]]) {
    await assert.rejects(save(wrong), { code: 'internal', message: /does not follow the stored/ });
  }
  assert.equal(store.load()[0]!.sequence, 1);
  assert.deepEqual(store.trades('BTC-USD', 10), []);
  assert.deepEqual(store.candles.latest('BTC-USD', 1, 10), []);
});

test('only the newest trades are kept, whatever their ids, and candles are not affected', async () => {
  const { store, save } = openStore({ keptTrades: 10, slack: 5 });
  for (let sequence = 1; sequence <= 43; sequence++) await save([trade(sequence, 1_000_003)]);
  const kept = store.trades('BTC-USD', 100).map(({ sequence }) => sequence);
  assert.ok(kept.length >= 10 && kept.length < 15, `${kept.length} trades are kept`);
  assert.deepEqual(kept.slice(0, 10), [43, 42, 41, 40, 39, 38, 37, 36, 35, 34]);
  assert.equal(store.candles.latest('BTC-USD', 1, 1)[0]!.trades, 43);
});

test('forgetting the past of a market leaves its book, its sequence and the other markets', async () => {
  const { database, store, save } = openStore();
  const ask: LevelChange = { side: 'sell', price: 9, quantity: 1 };
  await save([book(1, [ask]), trade(2), { ...trade(1), symbol: 'ETH-USD' }]);
  await database.write(() => store.forgetPast('BTC-USD'));
  assert.deepEqual(store.trades('BTC-USD', 10), []);
  assert.deepEqual(store.candles.latest('BTC-USD', 1, 10), []);
  assert.equal(store.trades('ETH-USD', 10).length, 1);
  assert.deepEqual(store.load()[0]!.book(), { sequence: 2, bids: [], asks: [[9, 1]] });
  await save([trade(3)]);
});
