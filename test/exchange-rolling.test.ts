import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { waitFor } from 'flotilla/testing';
import { assertConserved } from './conservation.ts';
import { FleetProcess } from './fleet-process.ts';
import { OrderFlow } from './order-flow.ts';

const services = ['reference', 'matching', 'risk', 'ledger', 'orders', 'market-data', 'identity', 'feeds'];

let fleet: FleetProcess;

before(async () => {
  fleet = await FleetProcess.start();
});

after(async () => {
  await fleet?.dispose();
});

test('a rolling restart of every service in turn, while orders flow, fails no order', async (t) => {
  const flow = await OrderFlow.start(fleet.gateway, 4);
  const former = new Map((await fleet.ps()).map(({ instance, pid }) => [instance, pid]));
  for (const service of services) {
    const before = flow.promisedCount;
    await fleet.cli('restart', '--rolling', service);
    await waitFor(() => flow.promisedCount > before + 10, { what: `orders to flow with a new ${service}` });
  }
  const { promised, refusals, slowestRefusalMs } = await flow.stop();
  t.diagnostic(`${promised.length} orders`);
  // 404, 409, 422: a cancel of what was traded in between, an order that the book cannot fill.
  const failed = [...refusals].filter(([status]) => ![404, 409, 422].includes(status));
  assert.deepEqual(failed, [], `statuses and how often; the slowest took ${slowestRefusalMs} ms`);
  for (const { service, instance, pid } of await fleet.ps()) {
    if (services.includes(service)) assert.notEqual(pid, former.get(instance), `${instance} was restarted`);
  }
  await assertConserved(fleet);
});
