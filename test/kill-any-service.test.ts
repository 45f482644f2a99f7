import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { waitFor } from 'flotilla/testing';
import { assertConserved } from './conservation.ts';
import { book, request, trades } from './exchange-client.ts';
import { FleetProcess } from './fleet-process.ts';
import { OrderFlow } from './order-flow.ts';

const services = ['identity', 'reference', 'risk', 'matching', 'ledger', 'orders', 'market-data', 'feeds'];
const infrastructure = ['gateway', 'broker'];

let fleet: FleetProcess;

before(async () => {
  fleet = await FleetProcess.start();
});

after(async () => {
  await fleet?.dispose();
});

/** A public call that needs the service, and nothing that is not killed. */
const probes: Record<string, () => Promise<number>> = {
  identity: async () => (await request(fleet.gateway, 'POST', '/v1/demo/accounts')).status,
  reference: async () => (await request(fleet.gateway, 'GET', '/v1/markets')).status,
  'market-data': async () => (await request(fleet.gateway, 'GET', '/v1/markets/BTC-USD/trades')).status,
};

test('kill -9 of every service in turn, while orders flow, loses and doubles nothing', async (t) => {
  const flow = await OrderFlow.start(fleet.gateway, 4);
  for (const service of [...services, ...infrastructure]) {
    await t.test(service, async () => {
      const before = flow.promisedCount;
      const killedAt = performance.now();
      const pid = await fleet.kill(service);
      await fleet.isBack(service, pid);
      t.diagnostic(`${service} was back after ${Math.round(performance.now() - killedAt)} ms`);
      const probe = probes[service];
      if (probe) await waitFor(async () => (await probe()) < 300, { what: `${service} to serve` });
      await waitFor(() => flow.promisedCount > before + 10, {
        timeoutMs: 15_000,
        what: 'orders to flow again',
      });
    });
  }
  const { promised, refusals, slowestRefusalMs } = await flow.stop();
  t.diagnostic(`${promised.length} orders; refusals by status: ${JSON.stringify([...refusals])}`);
  t.diagnostic(`slowest 503: ${Math.round(slowestRefusalMs)} ms`);
  for (const status of refusals.keys()) {
    // 0: the gateway was away. 404 and 409: a cancel of what was traded in between. 503, 504: a service was away.
    assert.ok([0, 404, 409, 422, 503, 504].includes(status), `a refusal with status ${status}`);
  }

  await assertConserved(fleet);
  for (const customer of flow.customers) {
    const mine = promised.filter((promise) => promise.customer === customer);
    const listed = await customer.orders('?limit=500');
    const ids = listed.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { order, clientOrderId } of mine.slice(-400)) {
      const found = (await customer.order(order.id)).body;
      assert.equal(found.clientOrderId, clientOrderId);
      assert.ok(!listed.some((other) => other.clientOrderId === clientOrderId && other.id !== order.id));
    }
  }
  for (const symbol of ['BTC-USD', 'ETH-USD', 'SOL-USD']) {
    const all = await trades(fleet.gateway, symbol, 1000);
    for (const [index, { id }] of all.slice(1).entries())
      assert.equal(id, all[index]!.id - 1, `${symbol} trade ids`);
    await book(fleet.gateway, symbol);
  }
});

test('kill -9 of the broker and the loss of all its data, while orders flow, loses and doubles nothing', async (t) => {
  await fleet.call('feeds.resume');
  const flow = await OrderFlow.start(fleet.gateway, 4);
  await waitFor(() => flow.promisedCount > 10, { what: 'orders to flow' });
  renameSync(join(fleet.data, 'broker'), join(fleet.data, 'lost-broker'));
  const killedAt = performance.now();
  const pid = await fleet.kill('broker');
  await fleet.isBack('broker', pid);
  const before = flow.promisedCount;
  await waitFor(() => flow.promisedCount > before + 10, { what: 'orders to flow again' });
  const { promised, refusals } = await flow.stop();
  await assertConserved(fleet);
  t.diagnostic(`all books agreed ${Math.round(performance.now() - killedAt)} ms after the death`);
  // 404 and 409: a cancel of what was traded in between; 422: an order that the book cannot fill.
  const failed = [...refusals].filter(([status]) => ![404, 409, 422].includes(status));
  assert.deepEqual(failed, [], `of ${promised.length} orders: they need no broker`);
});

test('while a service is away, calls that need it fail fast with unavailable and others go on', async (t) => {
  await fleet.call('feeds.resume');
  const pid = await fleet.kill('reference');
  const startedAt = performance.now();
  const { status, body } = await request<{ code: string }>(fleet.gateway, 'GET', '/v1/markets');
  t.diagnostic(`refused after ${Math.round(performance.now() - startedAt)} ms`);
  assert.equal(status, 503);
  assert.equal(body.code, 'unavailable');
  assert.equal((await request(fleet.gateway, 'GET', '/v1/markets/BTC-USD/book')).status, 200);
  await fleet.isBack('reference', pid);
});
