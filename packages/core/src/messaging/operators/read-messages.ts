/** What a stream holds between two places, for operators: read once through, without a trace on the stream. */
import { setTimeout as delay } from 'node:timers/promises';
import { createInbox, type Msg } from '@nats-io/nats-core';
import { type FlotillaError, platformError } from '../../errors/flotilla-error.ts';
import { headersOf, type ReceivedHeaders, statusOf } from '../headers.ts';
import { type JetStreamApi, nanosecondsPerMs } from '../jetstream/api.ts';
import { readDelivery } from '../jetstream/delivery.ts';

export type Position = { readonly sequence: number } | { readonly time: Date };

export interface StoredMessage {
  readonly sequence: number;
  /** When the stream stored it. */
  readonly time: Date;
  readonly subject: string;
  readonly headers: ReceivedHeaders;
  readonly payload: Uint8Array;
  /** How many more there are behind this one. */
  readonly behind: number;
}

export interface Reading {
  readonly stream: string;
  readonly filter: string;
  readonly from: Position;
  /** Without the payloads. */
  readonly headersOnly?: boolean;
  /** How many are asked for at a time. Default 256. */
  readonly batch?: number;
}

/** Status codes of a batch (ADR-13 of NATS): nobody there; the reader was deleted; and from here on: nothing more. */
const noResponders = 503;
const conflict = 409;
const clientError = 400;

const defaultBatch = 256;
/** A batch that has not ended by then is not coming: the server ends one that finds nothing at once. */
const batchDeadlineMs = 5_000;
/** Batches without a message in a row, although there are messages, after which nothing is believed to come. */
const mostEmpty = 3;
/** Before a replica that is behind is asked again, and how often it is. */
const behindMs = 50;
const mostBehind = 100;
/** After how long without a question the server forgets a reader. One that reads slower than that begins anew where it was. */
const forgottenMs = 60_000;

/** How many there are, and the first of them. */
export async function peek(
  api: JetStreamApi,
  reading: Reading,
): Promise<{ readonly count: number; readonly first: StoredMessage | undefined }> {
  const messages = readMessages(api, { ...reading, headersOnly: true, batch: 1 });
  const { value: first } = await messages.next();
  await messages.return();
  return { count: first ? first.behind + 1 : 0, first: first ?? undefined };
}

/**
 * In the order of the stream, until nothing is left.
 *
 * @throws FlotillaError `unavailable` when the broker is away.
 */
export async function* readMessages(
  api: JetStreamApi,
  reading: Reading,
): AsyncGenerator<StoredMessage, void, undefined> {
  const { stream, batch: size = defaultBatch } = reading;
  let { name, num_pending: pending } = await createReader(api, reading);
  let end = await endOf(api, reading);
  let last = 0;
  let isNew = true;
  let empty = 0;
  let behind = 0;
  const beginAnew = async (): Promise<void> => {
    isNew = true;
    const from = last > 0 ? { sequence: last + 1 } : reading.from;
    ({ name, num_pending: pending } = await createReader(api, { ...reading, from }));
  };
  try {
    while (pending > 0 || last < end) {
      if (pending === 0) {
        if (++behind > mostBehind) throw readerLost(stream);
        await delay(behindMs);
        await api.deleteConsumer(stream, name).catch(() => {});
        await beginAnew();
        end = await endOf(api, reading);
        continue;
      }
      const batch = await pullBatch(api, stream, name, Math.min(pending, size));
      if (batch === 'gone' || (batch === 'silent' && api.isClustered)) {
        if (isNew) throw readerLost(stream);
        await beginAnew();
        continue;
      }
      if (batch === 'silent') {
        await requireReadable(api, stream, last + 1, reading.filter);
        throw readerLost(stream);
      }
      isNew = false;
      behind = 0;
      for (const message of batch) {
        const delivery = readDelivery(message.reply ?? '');
        if (delivery === undefined) continue;
        last = delivery.sequence;
        pending = delivery.pending;
        yield {
          sequence: delivery.sequence,
          time: new Date(delivery.timeMs),
          subject: message.subject,
          headers: headersOf(message),
          payload: message.data,
          behind: delivery.pending,
        };
      }
      if (batch.length > 0) {
        empty = 0;
        continue;
      }
      // What was still to come has been removed from the stream meanwhile, or cannot be read.
      pending = (await api.consumerInfo(stream, name)).num_pending;
      if (pending > 0 && ++empty > mostEmpty) throw readerLost(stream);
      if (pending > 0) await requireReadable(api, stream, last + 1, reading.filter);
    }
  } finally {
    // A reader that cannot be taken back now is forgotten by the server, soon.
    await api.deleteConsumer(stream, name).catch(() => {});
  }
}

/**
 * Up to where there are messages. A cluster's leader is asked, since the replica that reads may have less, and tell that nothing is left.
 */
async function endOf(api: JetStreamApi, { stream, filter, from }: Reading): Promise<number> {
  const last = api.isClustered ? await api.lastMessage(stream, filter) : undefined;
  if (!last) return 0;
  const isBefore = 'time' in from ? new Date(last.time) < from.time : last.seq < from.sequence;
  return isBefore ? 0 : last.seq;
}

/**
 * A broker does not step over a record that it cannot read: whoever waits behind it would do so for ever.
 *
 * @throws FlotillaError with what the broker says of it.
 */
async function requireReadable(
  api: JetStreamApi,
  stream: string,
  from: number,
  filter: string,
): Promise<void> {
  await api.request(`STREAM.MSG.GET.${stream}`, { seq: Math.max(1, from), next_by_subj: filter });
}

/** What is there, up to `size` messages; `gone` when the server does not know the reader any more, `silent` when it says nothing. */
function pullBatch(
  { connection }: JetStreamApi,
  stream: string,
  consumer: string,
  size: number,
): Promise<readonly Msg[] | 'gone' | 'silent'> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly Msg[] | 'gone' | 'silent'>();
  const inbox = createInbox();
  const messages: Msg[] = [];
  const subscription = connection.subscribe(inbox, {
    callback(error, message) {
      if (error) return reject(readerLost(stream, error));
      const status = statusOf(message);
      if (status === 0) messages.push(message);
      if (messages.length === size) resolve(messages);
      else if (status === noResponders || status === conflict)
        resolve(messages.length > 0 ? messages : 'gone');
      else if (status >= clientError) resolve(messages);
    },
  });
  const timer = setTimeout(() => resolve(messages.length > 0 ? messages : 'silent'), batchDeadlineMs);
  const request = JSON.stringify({ batch: size, no_wait: true });
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: inbox });
  return promise.finally(() => {
    clearTimeout(timer);
    subscription.unsubscribe();
  });
}

function readerLost(stream: string, cause?: unknown): FlotillaError {
  return platformError('unavailable', `the broker stopped answering while ${stream} was read: try again`, {
    cause,
  });
}

function createReader(api: JetStreamApi, { stream, filter, from, headersOnly = false }: Reading) {
  return api.createConsumer(stream, {
    ...('time' in from
      ? { deliver_policy: 'by_start_time' as const, opt_start_time: from.time.toISOString() }
      : { deliver_policy: 'by_start_sequence' as const, opt_start_seq: Math.max(1, from.sequence) }),
    filter_subject: filter,
    headers_only: headersOnly,
    ack_policy: 'none',
    replay_policy: 'instant',
    inactive_threshold: forgottenMs * nanosecondsPerMs,
    mem_storage: true,
  });
}
