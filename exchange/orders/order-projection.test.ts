import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogEntry, NewOrder } from '@exchange/matching';
import { MatchingInMemory } from '@exchange/matching/testing';
import fc from 'fast-check';
import { openDatabase, readMigrations } from 'flotilla';
import { project } from './order-projection.ts';
import { OrderRows } from './order-rows.ts';

function openProjection(path = ':memory:') {
  const migrations = readMigrations(new URL('./migrations/', import.meta.url));
  const database = openDatabase({ path, migrations });
  const rows = new OrderRows(database);
  const apply = (entry: LogEntry) => database.write(() => project(entry, rows));
  return { database, rows, apply };
}

type Step =
  | { readonly cancel: number }
  | { readonly abandon: number }
  | { readonly submit: Partial<NewOrder>; readonly account: string };

const accounts = ['ann', 'bob', 'cyd'];
// Some quantities are so large that the level is full, which the engine rejects.
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      account: fc.constantFrom(...accounts),
      submit: fc.record({
        symbol: fc.constantFrom('BTC-USD', 'BTC-USD', 'ETH-USD', 'UNLISTED'),
        side: fc.constantFrom('buy' as const, 'sell' as const),
        type: fc.constantFrom('limit' as const, 'limit' as const, 'market' as const),
        quantity: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(Number.MAX_SAFE_INTEGER)),
        price: fc.integer({ min: 100, max: 105 }),
        timeInForce: fc.constantFrom('gtc' as const, 'gtc' as const, 'ioc' as const),
      }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ cancel: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ abandon: fc.nat(80) }) },
);

function run(steps: readonly Step[]): MatchingInMemory {
  const matching = new MatchingInMemory(['BTC-USD', 'ETH-USD']);
  steps.forEach((step, index) => {
    if ('cancel' in step) matching.cancel(`order-${step.cancel}`);
    else if ('abandon' in step) matching.abandon(`order-${step.abandon}`);
    else matching.submit(`order-${index}`, step.account, step.submit);
  });
  return matching;
}

/** What orders must look like, from the trades and the books alone: the projection goes by other events. */
function expectedOrders(matching: MatchingInMemory) {
  const events = matching.log.flatMap((entry) => entry.events);
  const trades = events.filter((event) => event.kind === 'trade');
  const open = new Map(matching.openOrders.map((order) => [order.id, order]));
  return events.flatMap((event) => {
    if (event.kind !== 'accepted' && event.kind !== 'rejected') return [];
    const { id, account, quantity } = event.order;
    const own = trades.filter(({ makerOrderId, takerOrderId }) => id === makerOrderId || id === takerOrderId);
    const filled = own.reduce((sum, trade) => sum + trade.quantity, 0);
    const value = own.reduce((sum, trade) => sum + BigInt(trade.price) * BigInt(trade.quantity), 0n);
    const resting = open.get(id);
    const closed = event.kind === 'rejected' ? 'rejected' : filled === quantity ? 'filled' : 'cancelled';
    const remaining = resting?.remaining ?? 0;
    return [{ id, account, filled, value, remaining, status: resting ? 'open' : closed }];
  });
}

function storedOrders({ rows }: { readonly rows: OrderRows }) {
  return accounts.flatMap((account) =>
    rows
      .list({ account, status: 'all', limit: 500 })
      .map(({ id, filled, value, remaining, status }) => ({ id, account, filled, value, remaining, status })),
  );
}

const byId = (left: { id: string }, right: { id: string }) => (left.id < right.id ? -1 : 1);

test('whatever the log, delivered in pieces and across restarts: orders are what the engine has', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'orders-test-'));
  let number = 0;
  const cut = fc.array(fc.record({ count: fc.nat(60), restart: fc.boolean() }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 60 }), cut, async (steps, cuts) => {
      const matching = run(steps);
      const { log } = matching;
      const path = join(directory, `${number++}.sqlite`);
      let opened = openProjection(path);
      const left = [...log];
      for (const { count, restart } of [...cuts, { count: log.length, restart: true }]) {
        await Promise.all(left.splice(0, count).map((entry) => opened.apply(entry)));
        if (restart) {
          opened.database.close();
          opened = openProjection(path);
        }
      }
      const expected = expectedOrders(matching);
      assert.deepEqual(storedOrders(opened).sort(byId), expected.toSorted(byId));
      assert.equal(opened.rows.count(), expected.length);
      assert.deepEqual(opened.rows.openIds().sort(), matching.openOrders.map(({ id }) => id).sort());
      opened.database.close();
    }),
    { numRuns: 40 },
  );
  rmSync(directory, { recursive: true });
});

test('an entry that speaks of an unknown order leaves nothing behind', async () => {
  const { database, rows, apply } = openProjection();
  const matching = run([
    { account: 'ann', submit: { side: 'sell' } },
    { account: 'bob', submit: { side: 'buy' } },
  ]);
  const [, , , buy] = matching.log as [LogEntry, LogEntry, LogEntry, LogEntry];
  await assert.rejects(apply(buy), { code: 'internal', message: /order-0/ });
  assert.equal(rows.count(), 0);
  database.close();
});
