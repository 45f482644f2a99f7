import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogEntry, NewOrder } from '@exchange/matching';
import { MatchingInMemory } from '@exchange/matching/testing';
import fc from 'fast-check';
import { balancesOf, openBooks } from './testing/books.ts';
import { Verification } from './verification.ts';

type Step = { readonly cancel: number } | { readonly submit: Partial<NewOrder>; readonly account: string };

// Few prices and accounts: so that trades, also of an account with itself, are the rule.
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      account: fc.constantFrom('ann', 'bob', 'cyd'),
      submit: fc.record({
        side: fc.constantFrom('buy' as const, 'sell' as const),
        type: fc.constantFrom('limit' as const, 'limit' as const, 'market' as const),
        quantity: fc.integer({ min: 1, max: 1_000_000_000 }),
        price: fc.integer({ min: 6_000_000, max: 6_000_005 }),
        timeInForce: fc.constantFrom('gtc' as const, 'gtc' as const, 'ioc' as const),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ cancel: fc.nat(40) }) },
);

function logOf(steps: readonly Step[]): readonly LogEntry[] {
  const matching = new MatchingInMemory(['BTC-USD']);
  steps.forEach((step, index) => {
    if ('cancel' in step) matching.cancel(`order-${step.cancel}`);
    else matching.submit(`order-${index}`, step.account, step.submit);
  });
  return matching.log;
}

/** The simplest bookkeeping there could be: both sides of each fill, in whole numbers. */
function expectedBalances(log: readonly LogEntry[]): Record<string, bigint> {
  const balances: Record<string, bigint> = {};
  const add = (key: string, amount: bigint) => {
    balances[key] = (balances[key] ?? 0n) + amount;
  };
  for (const { events } of log) {
    for (const event of events) {
      if (event.kind !== 'filled') continue;
      const sign = event.side === 'buy' ? 1n : -1n;
      add(`${event.account} USD`, -sign * BigInt(event.price) * BigInt(event.quantity));
      add(`${event.account} BTC`, sign * BigInt(event.quantity) * 10_000n);
    }
  }
  return balances;
}

test('whatever the log, delivered in pieces and across restarts: every trade is booked once and all is conserved', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ledger-test-'));
  let run = 0;
  const cut = fc.array(fc.record({ count: fc.nat(60), restart: fc.boolean() }), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 60 }), cut, async (steps, cuts) => {
      const log = logOf(steps);
      const path = join(directory, `${run++}.sqlite`);
      let books = openBooks(path);
      const left = [...log];
      for (const { count, restart } of [...cuts, { count: log.length, restart: true }]) {
        await Promise.all(left.splice(0, count).map((entry) => books.book(entry)));
        if (restart) {
          books.database.close();
          books = openBooks(path);
        }
      }
      assert.deepEqual(balancesOf(books), expectedBalances(log));
      const sums = new Map<string, bigint>();
      for (const { asset, amount } of books.journal.balances()) {
        sums.set(asset, (sums.get(asset) ?? 0n) + amount);
      }
      for (const [asset, sum] of sums) assert.equal(sum, 0n, asset);
      const take = () => ({ head: books.journal.head(), balances: books.journal.balances() });
      const { verdict } = await new Verification(books.journal).run(take, { full: true });
      assert.equal(verdict.fault, undefined);
      const trades = log.flatMap(({ events }) => events).filter(({ kind }) => kind === 'trade').length;
      assert.equal(books.journal.head().number, trades);
      books.database.close();
    }),
    { numRuns: 40 },
  );
  rmSync(directory, { recursive: true });
});

test('a trade that cannot be booked holds the log up before it: nothing of its entry stays', async () => {
  const { database, book, journal } = openBooks();
  const log = logOf([
    { account: 'ann', submit: { side: 'sell', quantity: 5 } },
    { account: 'ann', submit: { side: 'sell', price: 6_000_000, quantity: 9_000_000_000_000 } },
    { account: 'bob', submit: { side: 'buy', price: 7_000_000, quantity: 9_000_000_000_000 } },
  ]);
  const last = log.at(-1)!;
  assert.equal(last.events.filter(({ kind }) => kind === 'trade').length, 2);
  await Promise.all(log.slice(0, -1).map(book));
  await assert.rejects(book(last), { code: 'overflow' });
  assert.deepEqual(journal.balances(), []);
  database.close();
});

test('a trade in an unknown market waits for the catalogue', async () => {
  const { database, book } = openBooks();
  const matching = new MatchingInMemory(['ETH-USD']);
  matching.submit('order-1', 'ann', { symbol: 'ETH-USD', side: 'sell' });
  matching.submit('order-2', 'bob', { symbol: 'ETH-USD' });
  const [first, second, third] = matching.log;
  await Promise.all([book(first!), book(second!)]);
  await assert.rejects(book(third!), { code: 'unavailable', message: /ETH-USD/ });
  database.close();
});

test('deposits: once per id, never for the house, only in known assets and whole minor units', async () => {
  const books = openBooks();
  const { bookkeeper } = books;
  const funding = { transfer: 'f1', account: 'ann', amounts: [{ asset: 'USD', amount: '100.5' }] };
  assert.deepEqual(await Promise.all([bookkeeper.deposit(funding), bookkeeper.deposit(funding)]), [
    true,
    false,
  ]);
  const refused = (change: Partial<typeof funding>, code: string) =>
    assert.rejects(bookkeeper.deposit({ ...funding, ...change }), { code });
  await refused({ account: 'bob' }, 'conflict');
  await refused({ transfer: 'f2', account: 'house' }, 'invalid_argument');
  await refused({ transfer: 'f2', amounts: [{ asset: 'XYZ', amount: '1' }] }, 'invalid_argument');
  await refused({ transfer: 'f2', amounts: [{ asset: 'USD', amount: '0.0000001' }] }, 'invalid_argument');
  await refused({ transfer: 'f2', amounts: [{ asset: 'USD', amount: '9300000000000' }] }, 'invalid_argument');
  assert.deepEqual(balancesOf(books), { 'ann USD': 100_500_000n, 'house USD': -100_500_000n });
  books.database.close();
});

test('a deposit named like a trade is not in the way of that trade', async () => {
  const books = openBooks();
  await books.bookkeeper.deposit({
    transfer: 'trade:BTC-USD:1',
    account: 'ann',
    amounts: [{ asset: 'USD', amount: '1' }],
  });
  for (const entry of logOf([
    { account: 'ann', submit: { side: 'buy' } },
    { account: 'bob', submit: { side: 'sell' } },
  ])) {
    await books.book(entry);
  }
  assert.equal(balancesOf(books)['bob USD'], 100n);
  books.database.close();
});
