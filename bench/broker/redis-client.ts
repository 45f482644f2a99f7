/** The official client of Redis with a stream: it pipelines by itself what is sent in one turn of the event loop. */
import { createClient, RESP_TYPES } from '@redis/client';
import type { BrokerClient } from './contender.ts';

const stream = 'bench';
const group = 'handlers';
const field = 'payload';

export async function connectRedis(url: string): Promise<BrokerClient> {
  const client = createClient({ url }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await client.connect();
  await client.xGroupCreate(stream, group, '0', { MKSTREAM: true }).catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error;
  });
  let reader: typeof client | undefined;
  return {
    publish: (payload) => client.xAdd(stream, '*', { [field]: payload as Buffer }),
    async consume(handle) {
      // A reader that waits blocks its connection.
      reader = client.duplicate();
      await reader.connect();
      void read(reader, client, handle);
    },
    async close() {
      reader?.destroy();
      client.destroy();
    },
  };
}

type Connected = ReturnType<ReturnType<typeof createClient>['withTypeMapping']>;

async function read(
  reader: Connected,
  client: Connected,
  handle: (payload: Uint8Array) => void,
): Promise<void> {
  while (reader.isOpen) {
    const answer = await reader.xReadGroup(
      group,
      'one',
      { key: stream, id: '>' },
      { BLOCK: 1_000, COUNT: 500 },
    );
    const messages = (answer as { messages: { id: string; message: Record<string, Buffer> }[] }[] | null)?.[0]
      ?.messages;
    if (messages === undefined) continue;
    for (const { message } of messages) handle(message[field]!);
    await client.xAck(
      stream,
      group,
      messages.map(({ id }) => id),
    );
  }
}
