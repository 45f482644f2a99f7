/** Reads a stream from a place on: what is stored, and then what comes. A broker that restarts in between loses and repeats nothing. */

import { DeliverPolicy, JetStreamApiError, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { Failure } from '../failure.ts';
import { countFrom, startOfLast } from './last-messages.ts';
import type { StreamPosition } from './stream-position.ts';
import { type ToldMessage, tell } from './told-message.ts';

export interface StreamReading {
  readonly info: StreamInfo;
  /** Subjects that are read; undefined for all. */
  readonly filter: string | undefined;
  /** Where it begins: a place, or so many messages before the end. */
  readonly start: StreamPosition | { readonly last: number };
  /** Goes on with what comes, until `signal`. */
  readonly follow: boolean;
}

/** How many messages are asked for at a time. */
const BATCH = 500;
/** How often the server says that there is nothing, and forgets a reader that does not come back. */
const HEARTBEAT_MS = 1_000;
const FORGOTTEN_MS = 30_000;
/** Heartbeats in a row after which it is asked whether the next message can be read at all. */
const LONG_QUIET = 3;

export async function* readStream(
  jsm: JetStreamManager,
  { info, filter, start, follow }: StreamReading,
  signal: AbortSignal,
): AsyncGenerator<ToldMessage> {
  const stream = info.config.name;
  // By sequence in any case: the client's reader begins anew after a loss, and would do so at the first message of all.
  const sequence = await sequenceOf(jsm, { info, filter, start });
  const consumer = await jsm.jetstream().consumers.get(stream, {
    name_prefix: 'flotilla-tail',
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: sequence,
    ...(filter === undefined ? {} : { filter_subjects: filter }),
    inactive_threshold: nanos(FORGOTTEN_MS),
  });
  const isDone = async () => !follow && (await consumer.info()).num_pending === 0;
  let last = sequence - 1;
  let quiet = 0;
  try {
    if (signal.aborted || (await isDone())) return;
    const messages = await consumer.consume({ max_messages: BATCH, idle_heartbeat: HEARTBEAT_MS });
    signal.addEventListener('abort', () => messages.stop());
    void watch(messages.status(), async ({ type }) => {
      if (type === 'stream_not_found') {
        messages.stop(new Failure('not_found', `the stream ${stream} was deleted`));
      } else if (type === 'heartbeat') {
        // What was still to come has been removed from the stream.
        if (!follow && (await isDone().catch(() => false))) messages.stop();
        if (++quiet % LONG_QUIET !== 0) return;
        const damage = await nextIsDamaged(jsm, stream, last + 1, filter);
        if (damage !== undefined) messages.stop(damage);
      }
    });
    for await (const message of messages) {
      last = message.seq;
      quiet = 0;
      yield tell(stream, message);
      if (!follow && message.info.pending === 0) break;
    }
  } finally {
    // A reader that cannot be taken back ends by itself, soon.
    await consumer.delete().catch(() => {});
  }
}

/** A broker does not step over a record that it cannot read: whoever waits behind it would do so for ever. */
async function nextIsDamaged(
  jsm: JetStreamManager,
  stream: string,
  from: number,
  filter = '>',
): Promise<Failure | undefined> {
  const query = { seq: from, next_by_subj: filter };
  try {
    await jsm.streams.getMessage(stream, query);
    return undefined;
  } catch (error) {
    // That the broker is away is no damage.
    if (!(error instanceof JetStreamApiError)) return undefined;
    return new Failure('store_damaged', `the next message of ${stream} cannot be read: ${error.message}`, {
      repair: `restore a backup, or delete it with a NATS tool: nats stream rmm ${stream} <sequence>`,
      cause: error,
    });
  }
}

async function sequenceOf(
  jsm: JetStreamManager,
  { info, filter, start }: Pick<StreamReading, 'info' | 'filter' | 'start'>,
): Promise<number> {
  if ('sequence' in start) return Math.max(1, start.sequence);
  const count = 'last' in start ? start.last : await countFrom(jsm, info.config.name, start, filter);
  return count === 0 ? info.state.last_seq + 1 : startOfLast(jsm, info, count, filter);
}

async function watch<T>(events: AsyncIterable<T>, react: (event: T) => Promise<void>): Promise<void> {
  for await (const event of events) await react(event);
}
