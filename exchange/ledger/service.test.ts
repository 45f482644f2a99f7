import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { Matching } from '@exchange/matching';
import { MatchingInMemory } from '@exchange/matching/testing';
import { Reference } from '@exchange/reference';
import reference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { attempt } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { Ledger } from './contract.ts';
import ledger from './service.ts';

/** Reference, a scripted matching and the ledger. Ends with the test. */
async function startFleet(t: TestContext) {
  const fleet = await ExchangeFleet.open();
  t.after(() => fleet.stop());
  const matching = new MatchingInMemory(['BTC-USD'], { holdUntilAsked: true });
  await fleet.start(reference, matching.service, ledger);
  const client = fleet.client(Ledger);
  return {
    fleet,
    matching,
    client,
    /** Buyer, seller: one trade of 0.0001 BTC at 60000.00 USD. */
    trade(number: number) {
      matching.submit(`sell-order-${number}`, 'bob', { side: 'sell', price: 6_000_000 });
      matching.submit(`buy-order-${number}`, 'alice', { side: 'buy', price: 6_000_000 });
    },
    /** As of the end of the log. */
    async balances(account: string): Promise<Record<string, string>> {
      const { accounts } = await waitFor(async () => {
        const audit = await client.audit();
        return audit.sequence === matching.log.length && audit;
      });
      const found = accounts.find((entry) => entry.account === account);
      return Object.fromEntries(found?.balances.map(({ asset, amount }) => [asset, amount]) ?? []);
    },
  };
}

const funding = {
  transfer: 'funding:alice',
  account: 'alice',
  amounts: [
    { asset: 'USD', amount: '100' },
    { asset: 'BTC', amount: '2' },
  ],
};

test('deposits and trades are in the audit, and everything sums to zero', async (t) => {
  const { client, trade, balances, matching } = await startFleet(t);
  assert.deepEqual(await client.fund(funding), { transfer: funding.transfer });
  await client.fund(funding);
  trade(1);
  assert.deepEqual(await balances('alice'), { BTC: '2.00010000', USD: '94.000000' });
  assert.deepEqual(await balances('bob'), { BTC: '-0.00010000', USD: '6.000000' });
  assert.deepEqual(await balances('house'), { BTC: '-2.00000000', USD: '-100.000000' });
  const audit = await client.audit();
  assert.equal(audit.sequence, matching.log.length);
  assert.equal(audit.transfers, 2);
  assert.equal(audit.intact, true);
  assert.deepEqual(audit.totals, [
    { asset: 'BTC', amount: '0.00000000' },
    { asset: 'USD', amount: '0.000000' },
  ]);
});

test('killed at any time, the ledger books every trade once', async (t) => {
  const { fleet, client, trade, balances, matching } = await startFleet(t);
  for (let number = 1; number <= 30; number++) {
    trade(number);
    if (number % 6 === 0) {
      await fleet.kill(Ledger);
      trade(1_000 + number);
      await fleet.start(ledger);
    }
  }
  assert.deepEqual(await balances('alice'), { BTC: '0.00350000', USD: '-210.000000' });
  const audit = await client.audit({ full: true });
  assert.deepEqual(
    [audit.intact, audit.transfers, audit.sequence, audit.verifiedFrom],
    [true, 35, matching.log.length, 1],
  );
});

test('without matching and reference the ledger starts, takes deposits and answers with what it knows', async (t) => {
  const { fleet, client, trade, balances, matching } = await startFleet(t);
  trade(1);
  await balances('alice');
  await fleet.kill(Ledger);
  await fleet.kill(Matching);
  await fleet.kill(Reference);
  trade(2);
  await fleet.start(ledger);
  await client.fund(funding);
  const stale = await client.audit();
  assert.equal(stale.sequence, matching.log.length - 2);
  assert.deepEqual(stale.accounts[0], {
    account: 'alice',
    balances: [
      { asset: 'BTC', amount: '2.00010000' },
      { asset: 'USD', amount: '94.000000' },
    ],
  });
  await fleet.start(matching.service);
  assert.deepEqual(await balances('alice'), { BTC: '2.00020000', USD: '88.000000' });
});

test('damage to a stored row is found, named and stays found', async (t) => {
  const { fleet, client, trade, balances } = await startFleet(t);
  for (let number = 1; number <= 5; number++) trade(number);
  await balances('alice');
  const { head } = await client.audit();
  await fleet.kill(Ledger);
  const file = new DatabaseSync(join(fleet.dataDirectory, 'ledger', 'ledger.sqlite'));
  file.exec('UPDATE entries SET amount = amount + 1 WHERE transfer = 3 AND leg = 0');
  file.close();
  await fleet.start(ledger);
  for (const full of [false, true]) {
    const audit = await client.audit({ full });
    assert.equal(audit.intact, false);
    assert.match(audit.fault ?? '', /^transfer 3 \(trade:BTC-USD:3\)/);
    assert.equal(audit.head, head);
  }
});

test('a deposit that cannot be booked says why', async (t) => {
  const { client } = await startFleet(t);
  const unknown = await attempt(client.fund({ ...funding, amounts: [{ asset: 'XYZ', amount: '1' }] }));
  assert.ok(!unknown.ok && unknown.error.code === 'invalid_argument');
  await client.fund(funding);
  const other = await attempt(client.fund({ ...funding, account: 'mallory' }));
  assert.ok(!other.ok && other.error.code === 'conflict');
});
