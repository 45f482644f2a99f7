/** The official client of NATS, as it comes: what our broker and nats-server are measured with. */
import { setTimeout as pause } from 'node:timers/promises';
import {
  AckPolicy,
  type ConsumerMessages,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { BrokerClient } from './contender.ts';
import { encode, sentUsOf } from './payload.ts';

const stream = 'bench';
const subject = `${stream}.durable`;
const core = 'core';

export async function connectNats(url: string): Promise<BrokerClient> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({
    name: stream,
    subjects: [`${stream}.>`],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
  });
  const client = jetstream(connection);
  let stop = async (): Promise<void> => {};
  return {
    publish: (sentUs) => client.publish(subject, encode(sentUs)),
    async consume({ name, perSecond }, handle) {
      await manager.consumers.add(stream, {
        durable_name: name,
        ack_policy: AckPolicy.Explicit,
        max_ack_pending: 5_000,
      });
      const consumer = await client.consumers.get(stream, name);
      if (perSecond !== undefined) {
        const messages = await consumer.consume({ max_messages: 10 });
        const consuming = consumeSlowly(messages, perSecond, handle);
        stop = () => {
          messages.stop();
          return consuming;
        };
        return;
      }
      await consumer.consume({
        max_messages: 500,
        callback: (message) => {
          handle(sentUsOf(message.data));
          message.ack();
        },
      });
    },
    core: {
      publish: (sentUs) => connection.publish(core, encode(sentUs)),
      flush: () => connection.flush(),
      async subscribe(handle) {
        connection.subscribe(core, { callback: (_error, { data }) => handle(sentUsOf(data)) });
        await connection.flush();
      },
    },
    async close() {
      await stop();
      await connection.close();
    },
  };
}

async function consumeSlowly(
  messages: ConsumerMessages,
  perSecond: number,
  handle: (sentUs: number) => void,
): Promise<void> {
  for await (const message of messages) {
    handle(sentUsOf(message.data));
    message.ack();
    await pause(1_000 / perSecond);
  }
}
