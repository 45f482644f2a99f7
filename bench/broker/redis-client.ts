/** The official client of Redis with a stream: it pipelines by itself what is sent in one turn of the event loop. */
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, RESP_TYPES } from '@redis/client';
import type { BrokerClient } from './contender.ts';
import { encode, sentUsOf } from './payload.ts';

const stream = 'bench';
const field = 'payload';

export async function connectRedis(url: string): Promise<BrokerClient> {
  const client = createClient({ url }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  await client.connect();
  let reader: typeof client | undefined;
  let reading: Promise<void> | undefined;
  const closing = new AbortController();
  return {
    publish: (sentUs) => client.xAdd(stream, '*', { [field]: encode(sentUs) }),
    async consume({ name, perSecond }, handle) {
      await client.xGroupCreate(stream, name, '0', { MKSTREAM: true });
      // A reader that waits blocks its connection.
      reader = client.duplicate();
      await reader.connect();
      reading = read({ reader, client, name, perSecond, signal: closing.signal }, handle);
    },
    async close() {
      closing.abort();
      await reading;
      reader?.destroy();
      client.destroy();
    },
  };
}

type Connected = ReturnType<ReturnType<typeof createClient>['withTypeMapping']>;

interface Reading {
  readonly reader: Connected;
  readonly client: Connected;
  readonly name: string;
  readonly perSecond: number | undefined;
  readonly signal: AbortSignal;
}

async function read(
  { reader, client, name, perSecond, signal }: Reading,
  handle: (sentUs: number) => void,
): Promise<void> {
  const options = { BLOCK: 200, COUNT: perSecond === undefined ? 500 : 1 };
  while (!signal.aborted) {
    const answer = await reader.xReadGroup(name, 'one', { key: stream, id: '>' }, options);
    const messages = (answer as { messages: StreamMessage[] }[] | null)?.[0]?.messages;
    if (messages === undefined) continue;
    for (const { message } of messages) handle(sentUsOf(message[field]!));
    await client.xAck(
      stream,
      name,
      messages.map(({ id }) => id),
    );
    if (perSecond !== undefined) await pause(1_000 / perSecond);
  }
}

interface StreamMessage {
  readonly id: string;
  readonly message: Readonly<Record<string, Buffer>>;
}
