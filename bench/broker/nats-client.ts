/** The official client of NATS, as it comes: what our broker and nats-server are measured with. */
import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { BrokerClient } from './contender.ts';

const stream = 'bench';
const subject = 'bench.durable';
const consumer = 'handlers';

export async function connectNats(url: string): Promise<BrokerClient> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: stream,
    subjects: [subject],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
  });
  await manager.consumers.add(stream, {
    durable_name: consumer,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 5_000,
  });
  const client = jetstream(connection);
  return {
    publish: (payload) => client.publish(subject, payload),
    async consume(handle) {
      const messages = await client.consumers.get(stream, consumer);
      await messages.consume({
        max_messages: 500,
        callback: (message) => {
          handle(message.data);
          message.ack();
        },
      });
    },
    core: {
      publish: (payload) => connection.publish('bench.core', payload),
      flush: () => connection.flush(),
      async subscribe(handle) {
        connection.subscribe('bench.core', { callback: (_error, { data }) => handle(data) });
        await connection.flush();
      },
    },
    close: () => connection.close(),
  };
}
