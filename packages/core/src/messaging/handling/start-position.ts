/** From where a new group begins to the sequence that it begins behind. */
import { setTimeout as delay } from 'node:timers/promises';
import { createInbox } from '@nats-io/nats-core';
import { platformError } from '../../errors/flotilla-error.ts';
import { statusOf } from '../headers.ts';
import type { JetStreamApi } from '../jetstream/api.ts';
import { readDelivery } from '../jetstream/delivery.ts';
import type { StartPosition } from '../subscription.ts';

const behindMs = 50;

/** The last sequence that the group does not get. */
export async function startAfter(
  from: StartPosition,
  api: JetStreamApi,
  stream: string,
  filter: string,
): Promise<number> {
  if (from === 'first') return 0;
  if (from === 'new') return (await api.streamInfo(stream)).state.last_seq;
  if ('sequence' in from) return Math.max(0, from.sequence - 1);
  return await beforeTime(from.time, api, stream, filter);
}

async function beforeTime(time: Date, api: JetStreamApi, stream: string, filter: string): Promise<number> {
  for (;;) {
    const { last_seq: end } = (await api.streamInfo(stream)).state;
    const found = await firstSince(time, api, stream, filter);
    if (found !== undefined) return found - 1;
    const last = await api.lastMessage(stream, filter);
    // Else the replica that was asked is behind the leader.
    if (!last || new Date(last.time) < time) return end;
    await delay(behindMs);
  }
}

/** The stream finds the first message at or after a time only for a consumer; one is made to ask for it. */
async function firstSince(
  time: Date,
  api: JetStreamApi,
  stream: string,
  filter: string,
): Promise<number | undefined> {
  const { name } = await api.createConsumer(stream, {
    ack_policy: 'none',
    deliver_policy: 'by_start_time',
    opt_start_time: time.toISOString(),
    filter_subject: filter,
    replay_policy: 'instant',
    mem_storage: true,
    num_replicas: 1,
  });
  try {
    const message = await api.connection.request(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
      JSON.stringify({ batch: 1, no_wait: true }),
      { timeout: 5_000, noMux: true, reply: createInbox() },
    );
    const found = message.reply ? readDelivery(message.reply) : undefined;
    if (found) return found.sequence;
    if (statusOf(message) === 404) return undefined;
    throw platformError('unavailable', `${stream} did not say what came first at ${time.toISOString()}`);
  } finally {
    await api.deleteConsumer(stream, name);
  }
}
