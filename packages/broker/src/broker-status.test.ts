import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { startBroker } from './broker.ts';
import { type BrokerStatus, STATUS_SUBJECT } from './broker-status.ts';
import { withFolder } from './jetstream/testing/in-process.ts';

test('a client is told how the broker and its store are', () =>
  withFolder(async (data) => {
    const broker = await startBroker({ port: 0, credentials: [], noAuth: true, data });
    const nats = await connect({ servers: broker.url });
    try {
      const create = JSON.stringify({ name: 'S', subjects: ['s'] });
      await nats.request('$JS.API.STREAM.CREATE.S', create);
      await nats.request('s', 'hello');
      const status = (await nats.request(STATUS_SUBJECT)).json<BrokerStatus>();
      assert.deepEqual(
        [status.connections, status.streams, status.consumers, status.messages, status.slowConsumers],
        [1, 1, 0, 1, 0],
      );
      assert.match(status.version, /^\d+\.\d+\.\d+/);
      const { store } = status;
      assert.ok(store);
      assert.deepEqual([store.directory, store.durability, store.damagedRecords], [data, 'disk', 0]);
      assert.ok(store.commits >= 2 && store.commitP99Ms >= store.commitP50Ms && store.commitP50Ms > 0);
      assert.ok(store.diskBytes > 4_096 && store.freeBytes > 0);
    } finally {
      await nats.close();
      await broker.close();
    }
  }));

test('a broker without a data directory has no store', async () => {
  const broker = await startBroker({ port: 0, credentials: [], noAuth: true });
  assert.equal(broker.status().store, null);
  await broker.close();
});
