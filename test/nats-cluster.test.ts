import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { NatsCluster, waitFor, withoutNatsServer } from 'flotilla/testing';

/** Publishes until it is acknowledged, and gives the sequence. */
async function publish(nc: NatsConnection, number: number): Promise<number> {
  return waitFor(
    async () => {
      const answer = await nc.request('orders.a', `${number}`, { timeout: 1_000 });
      return answer.json<{ seq?: number }>().seq;
    },
    { timeoutMs: 30_000, what: `the acknowledgement of ${number}` },
  );
}

test('kill -9 of the leader in the middle of publishing loses nothing that a cluster acknowledged', {
  skip: withoutNatsServer,
}, async () => {
  const cluster = await NatsCluster.start();
  let nc: NatsConnection | undefined;
  try {
    const connection = await connect({
      servers: cluster.servers,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    const request = { name: 'ORDERS', subjects: ['orders.*'], num_replicas: 3 };
    nc = connection;
    await connection.request('$JS.API.STREAM.CREATE.ORDERS', JSON.stringify(request), { timeout: 10_000 });
    const acknowledged = new Map<number, number>();
    let next = 0;
    let enough = Number.POSITIVE_INFINITY;
    const publisher = async (): Promise<void> => {
      while (acknowledged.size < enough) {
        const number = next++;
        acknowledged.set(number, await publish(connection, number));
      }
    };
    const publishers = Promise.all(Array.from({ length: 64 }, publisher));
    await waitFor(() => acknowledged.size > 500);
    const leader = await cluster.leaderOf('ORDERS');
    await cluster.killMember(leader);
    enough = acknowledged.size + 500;
    await publishers;
    assert.notEqual(await waitFor(() => cluster.leaderOf('ORDERS')), leader);
    for (const [number, seq] of acknowledged) {
      const answer = await connection.request('$JS.API.STREAM.MSG.GET.ORDERS', JSON.stringify({ seq }));
      const { message } = answer.json<{ message?: { data: string } }>();
      assert.equal(Buffer.from(message?.data ?? '', 'base64').toString(), `${number}`, `sequence ${seq}`);
    }
  } finally {
    await nc?.close();
    await cluster.stop();
  }
});
