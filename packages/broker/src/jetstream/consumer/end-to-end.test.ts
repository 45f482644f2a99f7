/** Consumers of a whole broker, with its sockets and its disk. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type Broker, startBroker } from '../../broker.ts';
import { RawClient } from '../../conformance/raw-client.ts';

/** Opens the broker on the test's folder, again and again if it likes. */
async function bench(t: TestContext): Promise<() => Promise<{ broker: Broker; nc: NatsConnection }>> {
  const data = await mkdtemp(join(tmpdir(), 'flotilla-consumers-'));
  const open: Broker[] = [];
  t.after(async () => {
    for (const broker of open) await broker.close();
    await rm(data, { recursive: true, force: true });
  });
  return async () => {
    await open.at(-1)?.close();
    const broker = await startBroker({ port: 0, credentials: [], noAuth: true, data });
    open.push(broker);
    const nc = await connect({ port: broker.port, reconnect: false });
    t.after(() => nc.close());
    return { broker, nc };
  };
}

async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`);
    await delay(5);
  }
}

async function fill(nc: NatsConnection, messages: number, size = 1): Promise<void> {
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: 'S', subjects: ['s.>'] });
  const body = 'x'.repeat(size);
  for (let i = 1; i <= messages; i++) nc.publish('s.a', body);
  await nc.flush();
  await eventually('stored', async () => (await jsm.streams.info('S')).state.last_seq === messages);
}

test('a consumer goes on after a restart where it was', async (t) => {
  const start = await bench(t);
  const first = await start();
  await fill(first.nc, 100);
  const jsm = await jetstreamManager(first.nc);
  await jsm.consumers.add('S', { durable_name: 'worker', ack_policy: AckPolicy.Explicit });
  const reader = await jetstream(first.nc).consumers.get('S', 'worker');
  for await (const message of await reader.fetch({ max_messages: 40 })) {
    if (message.seq < 40) message.ack();
    else assert.equal(await message.ackAck(), true);
  }

  const second = await start();
  const again = await jetstream(second.nc).consumers.get('S', 'worker');
  const { ack_floor, num_ack_pending, num_pending } = await again.info();
  assert.deepEqual([ack_floor.stream_seq, num_ack_pending, num_pending], [40, 0, 60]);
  const sequences: number[] = [];
  for await (const message of await again.fetch({ max_messages: 60 })) {
    sequences.push(message.seq);
    message.ack();
  }
  assert.deepEqual(
    sequences,
    Array.from({ length: 60 }, (_, i) => 41 + i),
  );
});

test('a client that takes nothing leaves its messages in the stream, and others are served', async (t) => {
  const start = await bench(t);
  const { broker, nc } = await start();
  const messages = 2_000;
  await fill(nc, messages, 20_000);
  const jsm = await jetstreamManager(nc);
  await jsm.consumers.add('S', {
    durable_name: 'reader',
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: -1,
  });
  const slow = await RawClient.connect(broker.port);
  t.after(() => slow.close());
  slow.send('CONNECT {"headers":true,"no_responders":true}\r\nSUB in 1\r\n');
  await slow.sync();
  slow.pause();
  slow.send(`PUB $JS.API.CONSUMER.MSG.NEXT.S.reader in ${String(messages).length}\r\n${messages}\r\n`);

  await eventually('the client is full', async () => broker.stats().pendingBytes > 1_000_000);
  const delivered = async (): Promise<number> =>
    (await jsm.consumers.info('S', 'reader')).delivered.consumer_seq;
  const other = await jetstream(nc).consumers.get('S', 'reader');
  let taken = 0;
  for await (const message of await other.fetch({ max_messages: 100 })) {
    message.ack();
    taken++;
  }
  assert.equal(taken, 100);
  // 40 MB are asked for, of which the operating system takes some.
  assert.ok((await delivered()) < messages, 'not everything counts as delivered');
  assert.ok(broker.stats().pendingBytes < 2_000_000, 'no more than so much waits in the broker');

  slow.resume();
  await eventually('the slow one gets the rest', async () => (await delivered()) === messages);
  const got = (): number => slow.events.filter((event) => event.kind === 'message').length;
  await eventually('all of it', () => got() === messages - 100);
  assert.equal(broker.stats().slowConsumers, 0);
});

test('a consumer without a durable name does not outlive its threshold, restarted or not', async (t) => {
  const start = await bench(t);
  const { nc } = await start();
  await fill(nc, 1);
  const jsm = await jetstreamManager(nc);
  await jsm.consumers.add('S', { name: 'passing', inactive_threshold: 300_000_000 });
  const second = await start();
  const after = await jetstreamManager(second.nc);
  await eventually('it is gone', async () => (await after.streams.info('S')).state.consumer_count === 0);
  const third = await start();
  const last = await jetstreamManager(third.nc);
  assert.equal((await last.streams.info('S')).state.consumer_count, 0);
});
