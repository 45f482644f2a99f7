import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { Matching } from '@exchange/matching';
import { MatchingInMemory } from '@exchange/matching/testing';
import { Reference } from '@exchange/reference';
import reference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { attempt, type CallOptions } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { Orders } from './contract.ts';
import orders from './service.ts';

const as = (account: string): CallOptions => ({ user: { subject: account, scopes: ['orders:read'] } });

/** Reference, a scripted matching and orders. Ends with the test. */
async function startFleet(t: TestContext) {
  const fleet = await ExchangeFleet.open();
  t.after(() => fleet.stop());
  // Orders sees nothing new unless it asks for the head of the log.
  const matching = new MatchingInMemory(['BTC-USD', 'ETH-USD'], { holdUntilAsked: true });
  await fleet.start(reference, matching.service, orders);
  const client = fleet.client(Orders);
  const caughtUp = () => waitFor(async () => (await client.audit()).sequence === matching.log.length);
  return { fleet, matching, client, caughtUp };
}

test('an order is there for its owner after it was acknowledged, with decimal strings', async (t) => {
  const { matching, client } = await startFleet(t);
  matching.submit('order-00001', 'bob', { side: 'sell', price: 6_000_000, quantity: 10_000 });
  matching.submit('order-00002', 'bob', { side: 'sell', price: 6_000_010, quantity: 10_000 });
  matching.submit('order-00003', 'alice', { price: 6_000_020, quantity: 30_000 });
  const order = await waitFor(() => client.get({ id: 'order-00003' }, as('alice')));
  assert.deepEqual(order, {
    id: 'order-00003',
    clientOrderId: 'client-order-00003',
    symbol: 'BTC-USD',
    side: 'buy',
    type: 'limit',
    price: '60000.20',
    quantity: '3.0000',
    timeInForce: 'gtc',
    status: 'partially_filled',
    filled: '2.0000',
    remaining: '1.0000',
    averagePrice: '60000.05',
    createdAt: new Date(1_700_000_000_004).toISOString(),
  });
});

test('lists are newest first and filtered by status and market', async (t) => {
  const { matching, client, caughtUp } = await startFleet(t);
  matching.submit('order-00001', 'bob', { side: 'sell' });
  matching.submit('order-00002', 'alice', {});
  matching.submit('order-00003', 'alice', { symbol: 'ETH-USD' });
  matching.submit('order-00004', 'alice', { price: 90 });
  matching.submit('order-00005', 'alice', { type: 'market', side: 'sell', quantity: 5 });
  matching.cancel('order-00003');
  await caughtUp();
  const list = async (query: Parameters<typeof client.list>[0]) =>
    (await client.list(query, as('alice'))).map(({ id, status, price }) => [id, status, price]);
  const market = ['order-00005', 'cancelled', null];
  const resting = ['order-00004', 'filled', '0.90'];
  const cancelled = ['order-00003', 'cancelled', '1.00'];
  const filled = ['order-00002', 'filled', '1.00'];
  assert.deepEqual(await list({}), [market, resting, cancelled, filled]);
  assert.deepEqual(await list({ status: 'closed', limit: 1 }), [market]);
  assert.deepEqual(await list({ status: 'open' }), []);
  assert.deepEqual(await list({ symbol: 'ETH-USD' }), [cancelled]);
  matching.submit('order-00006', 'alice', { price: 80 });
  await caughtUp();
  assert.deepEqual(await list({ status: 'open' }), [['order-00006', 'open', '0.80']]);
});

test('orders of others are not found, and without an end user nothing is told', async (t) => {
  const { matching, client, caughtUp } = await startFleet(t);
  matching.submit('order-00001', 'alice');
  await caughtUp();
  const id = 'order-00001';
  const stranger = await attempt(client.get({ id }, as('bob')));
  const unknown = await attempt(client.get({ id: 'order-99999' }, as('bob')));
  assert.ok(!stranger.ok && !unknown.ok);
  assert.equal(stranger.error.code, 'not_found');
  assert.equal(stranger.error.message.replace(id, ''), unknown.error.message.replace('order-99999', ''));
  assert.deepEqual(await client.list({}, as('bob')), []);
  const nobody = await attempt(client.get({ id }));
  assert.ok(!nobody.ok && nobody.error.code === 'unauthenticated');
  const unscoped = await attempt(client.list({}, { user: { subject: 'alice', scopes: [] } }));
  assert.ok(!unscoped.ok && unscoped.error.code === 'permission_denied');
});

test('killed at any time, every order is there once', async (t) => {
  const { fleet, matching, client, caughtUp } = await startFleet(t);
  for (let number = 10_000; number < 10_040; number++) {
    matching.submit(`order-${number}`, 'alice', { side: number % 2 ? 'sell' : 'buy', quantity: 2 });
    if (number % 8 === 0) {
      void client.audit().catch(() => {});
      await fleet.kill(Orders);
      await fleet.start(orders);
    }
  }
  await caughtUp();
  const { total, open } = await client.audit();
  assert.deepEqual([total, open], [40, []]);
  const list = await client.list({}, as('alice'));
  assert.deepEqual(
    list.map(({ id, status, filled }) => [id, status, filled]),
    list.map((_, index) => [`order-${10_039 - index}`, 'filled', '0.0002']),
  );
});

test('a database that followed the log before there were events goes on where it was', async (t) => {
  const { fleet, matching, client, caughtUp } = await startFleet(t);
  matching.submit('order-00001', 'alice');
  matching.submit('order-00002', 'alice');
  await caughtUp();
  await fleet.kill(Orders);
  const file = new DatabaseSync(join(fleet.dataDirectory, 'orders', 'orders.sqlite'));
  file.exec(
    "UPDATE log_checkpoint SET sequence = (SELECT position FROM flotilla_checkpoints WHERE service = 'matching')",
  );
  file.exec('DROP TABLE flotilla_checkpoints');
  file.close();
  matching.submit('order-00003', 'alice');
  await fleet.start(orders);
  assert.ok((await client.audit()).sequence >= matching.log.length - 1, 'known before anything is read');
  await caughtUp();
  assert.deepEqual(
    (await client.list({}, as('alice'))).map(({ id }) => id),
    ['order-00003', 'order-00002', 'order-00001'],
  );
});

test('without matching and reference, also after a restart, what is known is answered', async (t) => {
  const { fleet, matching, client, caughtUp } = await startFleet(t);
  matching.submit('order-00001', 'alice');
  await caughtUp();
  await fleet.kill(Matching);
  await fleet.kill(Reference);
  matching.cancel('order-00001');
  for (const restart of [false, true]) {
    if (restart) {
      await fleet.kill(Orders);
      await fleet.start(orders);
    }
    assert.equal((await client.get({ id: 'order-00001' }, as('alice'))).status, 'open');
    assert.equal((await client.list({ status: 'open' }, as('alice'))).length, 1);
    // One that was acknowledged just before is not denied.
    const latest = await attempt(client.get({ id: 'order-00002' }, as('alice')));
    assert.ok(!latest.ok && latest.error.code === 'unavailable');
  }
  await fleet.start(matching.service);
  await waitFor(async () => (await client.get({ id: 'order-00001' }, as('alice'))).status === 'cancelled');
});

test('before reference was ever there, an order cannot be shown', async (t) => {
  const fleet = await ExchangeFleet.open();
  t.after(() => fleet.stop());
  const matching = new MatchingInMemory(['BTC-USD']);
  await fleet.start(matching.service, orders);
  const client = fleet.client(Orders);
  matching.submit('order-00001', 'alice');
  await waitFor(async () => (await client.audit()).total === 1);
  const hidden = await attempt(client.get({ id: 'order-00001' }, as('alice')));
  assert.ok(!hidden.ok && hidden.error.code === 'unavailable');
  await fleet.start(reference);
  assert.equal((await waitFor(() => client.get({ id: 'order-00001' }, as('alice')))).status, 'open');
});
