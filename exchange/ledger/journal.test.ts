import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainHash, genesisHash } from './hash-chain.ts';
import { balancesOf, openBooks } from './testing/books.ts';
import { deposit, type Transfer } from './transfer.ts';

const most = 2n ** 63n - 1n;
const give = (id: string, account: string, amount: bigint): Transfer =>
  deposit(id, account, [{ asset: 'USD', amount }], 1);

test('a transfer moves balances, and its hash continues the chain', async () => {
  const { database, journal } = openBooks();
  const [first, second] = [give('one', 'alice', 9_007_199_254_740_993n), give('two', 'bob', 7n)];
  await database.write(() => journal.post(first));
  await database.write(() => journal.post(second));
  assert.deepEqual(balancesOf({ journal }), {
    'alice USD': 9_007_199_254_740_993n,
    'bob USD': 7n,
    'house USD': -9_007_199_254_741_000n,
  });
  const hash = chainHash(chainHash(genesisHash, 1, first), 2, second);
  assert.deepEqual(journal.head(), { number: 2, hash });
  assert.deepEqual(journal.transfers(1, 10), [{ ...second, number: 2, hash }]);
  database.close();
});

test('the same transfer again has no effect, and another one under its id is refused', async () => {
  const { database, journal } = openBooks();
  assert.equal(await database.write(() => journal.post(give('one', 'alice', 5n))), true);
  const before = { head: journal.head(), balances: journal.balances() };
  assert.equal(await database.write(() => journal.post({ ...give('one', 'alice', 5n), time: 2 })), false);
  for (const other of [give('one', 'alice', 6n), give('one', 'bob', 5n), give('one', 'alice', 0n)]) {
    await assert.rejects(
      database.write(() => journal.post(other)),
      { code: 'conflict' },
    );
  }
  assert.deepEqual({ head: journal.head(), balances: journal.balances() }, before);
  database.close();
});

test('a transfer that does not sum to zero is refused', async () => {
  const { database, journal } = openBooks();
  const entries = [
    { account: 'alice', asset: 'USD', amount: 5n },
    { account: 'bob', asset: 'USD', amount: -4n },
  ];
  const post = () => journal.post({ id: 'lost', time: 1, entries });
  await assert.rejects(database.write(post), { code: 'unbalanced', message: /lost .* USD/ });
  assert.deepEqual(journal.transfers(0, 10), []);
  database.close();
});

test('a balance that 64 bits cannot hold is refused before anything is written', async () => {
  const { database, journal } = openBooks();
  await database.write(() => journal.post(give('all', 'alice', most)));
  const before = { head: journal.head(), balances: journal.balances() };
  for (const transfer of [
    give('more', 'alice', 1n),
    give('else', 'bob', 1n),
    give('huge', 'carol', 2n ** 64n),
  ]) {
    // Without a transaction around it: what was written before the refusal would stay.
    assert.throws(() => journal.post(transfer), { code: 'overflow' });
    assert.deepEqual({ head: journal.head(), balances: journal.balances() }, before);
  }
  database.close();
});

test('several entries of one account count together', async () => {
  const { database, journal } = openBooks();
  await database.write(() => journal.post(give('all', 'alice', most)));
  const there = { account: 'alice', asset: 'USD', amount: 1n };
  const back = { account: 'alice', asset: 'USD', amount: -1n };
  await database.write(() => journal.post({ id: 'self', time: 1, entries: [back, there] }));
  assert.equal(balancesOf({ journal })['alice USD'], most);
  database.close();
});

test('a transfer without entries is a transfer', async () => {
  const { database, journal } = openBooks();
  await database.write(() => journal.post(deposit('nothing', 'alice', [], 1)));
  assert.deepEqual(
    journal.transfers(0, 10).map(({ id, entries }) => [id, entries]),
    [['deposit:nothing', []]],
  );
  database.close();
});
