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

test('its owner is told of every stream and of who reads it', async () => {
  const broker = await startBroker({ port: 0, credentials: [], noAuth: true });
  const nats = await connect({ servers: broker.url });
  try {
    const ask = (subject: string, body: object) =>
      nats.request(subject, JSON.stringify(body), { noMux: true, timeout: 10_000 });
    await ask('$JS.API.STREAM.CREATE.A', { name: 'A', subjects: ['a'], storage: 'memory' });
    await ask('$JS.API.STREAM.CREATE.B', { name: 'B', subjects: ['b'], storage: 'memory' });
    const config = { durable_name: 'reader', ack_policy: 'explicit' };
    await ask('$JS.API.CONSUMER.DURABLE.CREATE.A.reader', { stream_name: 'A', config });
    await ask('$JS.API.CONSUMER.CREATE.A', { stream_name: 'A', config: { ack_policy: 'none' } });
    for (let i = 0; i < 3; i++) await ask('a', {});
    await ask('$JS.API.CONSUMER.MSG.NEXT.A.reader', { batch: 1 });
    const [a, b] = broker.streams();
    assert.deepEqual(b, { name: 'B', messages: 0, bytes: 0, lastSequence: 0, consumers: [] });
    assert.deepEqual([a?.name, a?.messages, a?.lastSequence], ['A', 3, 3]);
    const durable = a?.consumers.find(({ isDurable }) => isDurable);
    assert.deepEqual(durable, {
      name: 'reader',
      isDurable: true,
      pending: 2,
      ackPending: 1,
      redelivered: 0,
      waiting: 0,
    });
    assert.equal(a?.consumers.find(({ isDurable }) => !isDurable)?.pending, 3);
  } finally {
    await nats.close();
    await broker.close();
  }
});

test('a broker without a data directory has no store', async () => {
  const broker = await startBroker({ port: 0, credentials: [], noAuth: true });
  assert.equal(broker.status().store, null);
  await broker.close();
});
