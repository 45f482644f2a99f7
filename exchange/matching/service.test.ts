import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Reference } from '@exchange/reference';
import reference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { attempt, contract, service, subscribe } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { type LogEntry, Matching, type NewOrder } from './contract.ts';
import matching from './service.ts';

let ids = 0;
function order(given: Partial<NewOrder> = {}): NewOrder {
  ids += 1;
  return {
    id: `order-${String(ids).padStart(6, '0')}`,
    clientOrderId: `mine-${ids}`,
    account: 'alice',
    symbol: 'BTC-USD',
    side: 'buy',
    type: 'limit',
    price: 6_000_000,
    quantity: 10,
    timeInForce: 'gtc',
    ...given,
  };
}

async function start(environment: NodeJS.ProcessEnv = {}) {
  const fleet = await ExchangeFleet.open({ environment });
  await fleet.start(reference, matching);
  const client = fleet.client(Matching);
  after(() => fleet.stop());
  return { fleet, client };
}

/** Follows the log, as others do. */
function reader() {
  const entries: LogEntry[] = [];
  const follower = service(contract('follower', {}), {
    operations: {},
    subscriptions: [
      subscribe(Matching.logged, { group: 'follower' }, (entry) => {
        entries.push(entry);
      }),
    ],
  });
  const until = (sequence: number) =>
    waitFor(() => entries.at(-1)?.sequence === sequence, { what: `entry ${sequence} of the log` });
  return { follower, entries, until };
}

const alice = { user: { subject: 'alice', scopes: ['orders:write'] } };
const bob = { user: { subject: 'bob', scopes: ['orders:write'] } };

describe('orders', () => {
  test('two orders that cross trade, and the answers tell how each stands', async () => {
    const { client } = await start();
    const resting = order({ quantity: 30 });
    const first = await client.submit({ order: resting });
    assert.equal(first.kind, 'accepted');
    const taker = order({ account: 'bob', side: 'sell', price: 5_999_000, quantity: 10 });
    const second = await client.submit({ order: taker });
    assert.ok(second.kind === 'accepted');
    assert.equal(second.order.status, 'filled');
    assert.equal(second.order.value, String(6_000_000 * 10));
    assert.equal(second.order.clientOrderId, taker.clientOrderId);
    const maker = await client.order({ id: resting.id });
    assert.deepEqual([maker?.filled, maker?.remaining, maker?.status], [10, 20, 'open']);
  });

  test('the same id again has no second effect, whether the order rests or is done', async () => {
    const { client } = await start();
    const resting = order();
    const done = order({ type: 'market', price: undefined, side: 'sell', quantity: 4, account: 'bob' });
    await client.submit({ order: resting });
    await client.submit({ order: done });
    const { sequence } = await client.head();
    for (const again of [resting, done]) {
      const answer = await client.submit({ order: again });
      assert.ok(answer.kind === 'duplicate');
      assert.equal(answer.order.clientOrderId, again.clientOrderId);
      assert.equal(answer.order.filled, 4);
    }
    assert.equal((await client.head()).sequence, sequence);
  });

  test('duplicates that arrive in the same instant trade once', async () => {
    const { client } = await start();
    await client.submit({ order: order({ quantity: 100 }) });
    const taker = order({ account: 'bob', side: 'sell', quantity: 10, timeInForce: 'ioc' });
    const answers = await Promise.all(Array.from({ length: 8 }, () => client.submit({ order: taker })));
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['accepted', ...Array.from({ length: 7 }, () => 'duplicate')],
    );
    for (const answer of answers) assert.ok(answer.kind !== 'abandoned' && answer.order.filled === 10);
    const { depth } = await client.audit();
    assert.deepEqual(depth[0]?.bids, [[6_000_000, 90]]);
  });

  test('an order without a market is rejected for good', async () => {
    const { client } = await start();
    const lost = order({ symbol: 'NO-SUCH' });
    const answer = await client.submit({ order: lost });
    assert.ok(answer.kind === 'rejected');
    assert.equal(answer.reason, 'unknown_symbol');
    const again = await client.submit({ order: lost });
    assert.ok(again.kind === 'duplicate');
    assert.equal(again.order.status, 'rejected');
  });
});

describe('cancel', () => {
  test('the owner cancels, and cancelling again gives the same order', async () => {
    const { client } = await start();
    const resting = order({ quantity: 15 });
    await client.submit({ order: resting });
    const view = await client.cancel({ id: resting.id }, alice);
    assert.deepEqual(
      [view.id, view.status, view.price, view.quantity, view.filled, view.remaining],
      [resting.id, 'cancelled', '60000.00', '0.0015', '0.0000', '0.0000'],
    );
    assert.deepEqual(await client.cancel({ id: resting.id }, alice), view);
  });

  test('a stranger learns nothing about the order', async () => {
    const { client } = await start();
    const resting = order();
    await client.submit({ order: resting });
    const theirs = await attempt(client.cancel({ id: resting.id }, bob));
    const nobodys = await attempt(client.cancel({ id: 'order-unknown' }, bob));
    assert.ok(!theirs.ok && !nobodys.ok);
    assert.equal(theirs.error.code, 'not_found');
    assert.equal(nobodys.error.code, 'not_found');
    assert.equal((await client.order({ id: resting.id }))?.status, 'open');
  });

  test('a filled order cannot be cancelled', async () => {
    const { client } = await start();
    const resting = order();
    await client.submit({ order: resting });
    await client.submit({ order: order({ account: 'bob', side: 'sell' }) });
    const result = await attempt(client.cancel({ id: resting.id }, alice));
    assert.ok(!result.ok && result.error.code === 'order_closed');
    assert.equal(result.error.data.status, 'filled');
  });
});

describe('unknown outcomes', () => {
  test('an abandoned order never happens, also after a restart', async () => {
    const { fleet, client } = await start();
    const late = order();
    assert.equal((await client.abandon({ id: late.id })).kind, 'abandoned');
    assert.equal((await client.submit({ order: late })).kind, 'abandoned');
    await fleet.kill(Matching);
    await fleet.start(matching);
    assert.equal((await client.submit({ order: late })).kind, 'abandoned');
    assert.equal((await client.abandon({ id: late.id })).kind, 'abandoned');
    assert.equal(await client.order({ id: late.id }), null);
  });

  test('an order that arrived is known, and abandoning it changes nothing', async () => {
    const { client } = await start();
    const resting = order();
    await client.submit({ order: resting });
    const { sequence } = await client.head();
    const answer = await client.abandon({ id: resting.id });
    assert.ok(answer.kind === 'known');
    assert.equal(answer.order.status, 'open');
    assert.equal((await client.head()).sequence, sequence);
  });
});

describe('the log', () => {
  test('every entry is published once and in order, also those before its followers came, and across restarts', async () => {
    const { fleet, client } = await start();
    const { follower, entries, until } = reader();
    for (let index = 0; index < 200; index++) {
      const side = index % 2 === 0 ? 'buy' : 'sell';
      await client.submit({ order: order({ side, quantity: 1 + (index % 7) }) });
      if (index === 50) await fleet.start(follower);
      if (index % 60 === 59) {
        await fleet.kill(Matching);
        await fleet.start(matching);
      }
    }
    const { sequence } = await client.head();
    await until(sequence);
    assert.deepEqual(
      entries.map((entry) => entry.sequence),
      Array.from({ length: sequence }, (_, index) => index + 1),
    );
  });

  test('a follower that is at the end gets what comes, whole', async () => {
    const { fleet, client } = await start();
    const { follower, entries, until } = reader();
    await fleet.start(follower);
    const { sequence } = await client.head();
    await until(sequence);
    const first = order();
    await client.submit({ order: first });
    await client.submit({ order: order() });
    await until(sequence + 2);
    const [entry] = entries.slice(sequence);
    assert.equal(entry?.events[0]?.kind, 'accepted');
    assert.deepEqual(entry?.events[0]?.order, first);
  });
});

describe('restarts', () => {
  test('books, orders and sequences go on where they were, without reference', async () => {
    const { fleet, client } = await start({ SNAPSHOT_INTERVAL: '7' });
    for (let index = 0; index < 40; index++) {
      await client.submit({ order: order({ side: index % 3 ? 'buy' : 'sell', quantity: 1 + (index % 5) }) });
    }
    const before = await client.audit();
    await fleet.kill(Matching);
    await fleet.kill(Reference);
    await fleet.start(matching);
    assert.deepEqual(await client.audit(), before);
    assert.deepEqual(before.violations, []);
    const open = before.orders[0]!;
    const view = await client.cancel({ id: open.id });
    assert.equal(view.status, 'cancelled');
    assert.equal((await client.head()).sequence, before.sequence + 1);
  });

  test('a market halted in the catalogue refuses new orders', async () => {
    const { fleet, client } = await start();
    const catalogue = await fleet.client(Reference).catalogue();
    const [bitcoin] = catalogue.instruments;
    await fleet.client(Reference).list({ instrument: { ...bitcoin!, status: 'halted' } });
    await waitFor(async () => (await client.head()).sequence > 3);
    const answer = await client.submit({ order: order() });
    assert.ok(answer.kind === 'rejected');
    assert.equal(answer.reason, 'market_halted');
  });
});
