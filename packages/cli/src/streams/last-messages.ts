/** Where the last messages of a stream begin. JetStream starts a reader at a sequence or a time, not at a number of messages. */

import { AckPolicy, DeliverPolicy, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { nanos, nuid } from '@nats-io/transport-node';
import type { StreamPosition } from './stream-position.ts';

/**
 * The sequence from which on `count` matching messages are stored; 1 when there are fewer. Sequences have gaps, and a filter has
 * more: the place is found by asking how many messages lie behind a sequence, closer and closer.
 *
 * @param count at least 1
 */
export async function startOfLast(
  jsm: JetStreamManager,
  { config, state }: StreamInfo,
  count: number,
  filter: string | undefined,
): Promise<number> {
  const { first_seq: first, last_seq: last, messages } = state;
  const whole = filter === undefined && messages === last - first + 1;
  if (whole) return Math.max(1, last - count + 1);
  return furthestWith(count, first, last, (sequence) => countFrom(jsm, config.name, { sequence }, filter));
}

/**
 * The highest sequence with at least `count` messages at or behind it, or 1.
 *
 * @param behind how many messages are at or behind a sequence; never more for a higher one.
 */
export async function furthestWith(
  count: number,
  first: number,
  last: number,
  behind: (sequence: number) => Promise<number>,
): Promise<number> {
  // From the end in growing strides: what is asked for is usually close to it, and counting there is cheap.
  let tooFar = last + 1;
  let enough = last - count + 1;
  for (let stride = count; enough > first && (await behind(enough)) < count; stride *= 2) {
    tooFar = enough;
    enough -= stride;
  }
  if (enough <= first && (await behind(first)) < count) return 1;
  enough = Math.max(enough, first);
  while (tooFar - enough > 1) {
    const middle = Math.floor((enough + tooFar) / 2);
    if ((await behind(middle)) >= count) enough = middle;
    else tooFar = middle;
  }
  return enough;
}

/** What the server says is pending for a reader that begins there: matching messages at or behind it. */
export async function countFrom(
  jsm: JetStreamManager,
  stream: string,
  from: StreamPosition,
  filter: string | undefined,
): Promise<number> {
  const name = `flotilla-count-${nuid.next()}`;
  const { num_pending } = await jsm.consumers.add(stream, {
    name,
    ack_policy: AckPolicy.None,
    ...('time' in from
      ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.time.toISOString() }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from.sequence) }),
    ...(filter === undefined ? {} : { filter_subject: filter }),
    inactive_threshold: nanos(5_000),
    mem_storage: true,
  });
  await jsm.consumers.delete(stream, name);
  return num_pending;
}
