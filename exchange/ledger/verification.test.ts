import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openBooks, type TestBooks } from './testing/books.ts';
import { deposit } from './transfer.ts';
import { Verification } from './verification.ts';

const count = 450;

async function filledBooks(): Promise<TestBooks> {
  const books = openBooks();
  await book(books, 1, count);
  return books;
}

function book({ database, journal }: TestBooks, from: number, to: number): Promise<void> {
  return database.write(() => {
    for (let n = from; n <= to; n++) {
      journal.post(deposit(`d${n}`, `account-${n % 7}`, [{ asset: 'USD', amount: BigInt(n) }], n));
    }
  });
}

async function verify({ journal }: TestBooks, verification: Verification, full = false) {
  const take = () => ({ head: journal.head(), balances: journal.balances() });
  return (await verification.run(take, { full })).verdict;
}

test('intact books are found intact, and the next verification goes on behind them', async () => {
  const books = await filledBooks();
  const verification = new Verification(books.journal);
  assert.deepEqual(await verify(books, verification), { from: 1, fault: undefined });
  await book(books, count + 1, count + 10);
  assert.deepEqual(await verify(books, verification), { from: count + 1, fault: undefined });
  assert.deepEqual(await verify(books, verification, true), { from: 1, fault: undefined });
  books.database.close();
});

describe('damage is found', () => {
  const damages: [name: string, sql: string, fault: RegExp][] = [
    [
      'an amount',
      'UPDATE entries SET amount = amount + 1 WHERE transfer = 300 AND leg = 1',
      /^transfer 300 /,
    ],
    ['an account', "UPDATE entries SET account = 'thief' WHERE transfer = 7 AND leg = 1", /^transfer 7 /],
    ['an entry removed', 'DELETE FROM entries WHERE transfer = 450', /^transfer 450 /],
    ['an entry added', "INSERT INTO entries VALUES (9, 2, 'thief', 'USD', 5)", /^transfer 9 /],
    ['a time', 'UPDATE transfers SET time = time + 1 WHERE number = 201', /^transfer 201 /],
    ['an id', "UPDATE transfers SET id = 'other' WHERE number = 200", /^transfer 200 /],
    ['a hash', "UPDATE transfers SET hash = '00' WHERE number = 450", /^transfer 450 /],
    ['a hash amid', "UPDATE transfers SET hash = '00' WHERE number = 12", /^transfer 12 /],
    [
      'a transfer removed',
      'DELETE FROM entries WHERE transfer = 50; DELETE FROM transfers WHERE number = 50',
      /^transfer 50 is missing/,
    ],
    [
      'the last transfer removed',
      'DELETE FROM entries WHERE transfer = 450; DELETE FROM transfers WHERE number = 450',
      /the USD of account-2 is stored as/,
    ],
    ['a balance', "UPDATE balances SET amount = amount - 1 WHERE account = 'house'", /^the USD of house /],
    ['a balance removed', "DELETE FROM balances WHERE account = 'account-3'", /^1 balances are missing/],
    ['a balance added', "INSERT INTO balances VALUES ('thief', 'USD', 5)", /^the USD of thief /],
  ];
  for (const [name, sql, fault] of damages) {
    test(name, async () => {
      const books = await filledBooks();
      for (const statement of sql.split(';')) books.database.prepare(statement).run();
      const verification = new Verification(books.journal);
      assert.match((await verify(books, verification)).fault ?? 'nothing', fault);
      assert.match((await verify(books, verification)).fault ?? 'nothing', fault, 'and again');
      books.database.close();
    });
  }

  test('in what was verified before, by a full verification, after which it stays found', async () => {
    const books = await filledBooks();
    const verification = new Verification(books.journal);
    await verify(books, verification);
    books.database.prepare('UPDATE entries SET amount = amount + 1 WHERE transfer = 3').run();
    assert.match((await verify(books, verification, true)).fault ?? 'nothing', /^transfer 3 /);
    assert.match((await verify(books, verification)).fault ?? 'nothing', /^transfer 3 /);
    books.database.close();
  });
});

test('what is booked during a verification belongs to the next one', async () => {
  const books = await filledBooks();
  const verification = new Verification(books.journal);
  const running = verify(books, verification);
  let more = count;
  const booking = (async () => {
    for (; more < count + 50; more++) await book(books, more + 1, more + 1);
  })();
  assert.deepEqual(await running, { from: 1, fault: undefined });
  await booking;
  assert.equal((await verify(books, verification)).fault, undefined);
  books.database.close();
});

test('verifications take turns, and one whose caller has gone stops', async () => {
  const books = await filledBooks();
  const verification = new Verification(books.journal);
  const reason = new RangeError('the caller has gone');
  const take = () => ({ head: books.journal.head(), balances: books.journal.balances() });
  const gone = verification.run(take, { full: false, signal: AbortSignal.abort(reason) });
  const [first, second] = [verify(books, verification), verify(books, verification)];
  await assert.rejects(gone, reason);
  assert.deepEqual(await first, { from: 1, fault: undefined });
  assert.deepEqual(await second, { from: count + 1, fault: undefined });
  books.database.close();
});
