/** All about one stream: what it keeps, for how long, of which subjects, and who reads it. */

import type { ConsumerInfo, StreamInfo } from '@nats-io/jetstream';
import { millis } from '@nats-io/transport-node';
import type { Topology } from 'flotilla/operators';
import type { StreamSession } from './broker-session.ts';
import { listingOf, type StreamListing } from './stream-listing.ts';
import { findStream } from './stream-target.ts';

export interface StreamReport extends StreamListing {
  readonly created: string;
  readonly replicas: number;
  readonly discard: string;
  /** Removed one by one, from between the first and the last. */
  readonly deleted: number;
  /** Null where there is none. */
  readonly limits: {
    readonly messages: number | null;
    readonly bytes: number | null;
    readonly ageMs: number | null;
    readonly messageBytes: number | null;
    readonly messagesPerSubject: number | null;
  };
  /** Within which a repeated message id is recognised. */
  readonly duplicateWindowMs: number;
  /** Most messages first. Null when there are too many subjects to count. */
  readonly contents: readonly StreamContent[] | null;
  readonly readers: readonly StreamReader[];
}

export interface StreamContent {
  /** An event, as `service.event`, over all of its partitions; for other streams a subject. */
  readonly name: string;
  readonly messages: number;
}

/** A JetStream consumer. */
export interface StreamReader {
  readonly consumer: string;
  readonly durable: boolean;
  readonly filter: string | null;
  /** Messages that it has not been given yet. */
  readonly pending: number;
  readonly inFlight: number;
  readonly redelivered: number;
  /** All up to here are acknowledged. */
  readonly ackFloor: number;
}

/** From here on counting by subject is no question any more that a server answers in passing. */
const MOST_SUBJECTS = 10_000;

export async function reportStream(
  { jsm, topology }: Pick<StreamSession, 'jsm' | 'topology'>,
  name: string,
): Promise<StreamReport> {
  const { info } = await findStream(jsm, topology, name);
  const stream = info.config.name;
  const readers: StreamReader[] = [];
  for await (const consumer of jsm.consumers.list(stream)) readers.push(readerOf(consumer));
  const countable = (info.state.num_subjects ?? 0) <= MOST_SUBJECTS;
  const counted = countable ? await jsm.streams.info(stream, { subjects_filter: '>' }) : undefined;
  const { config } = info;
  return {
    ...listingOf(info),
    created: info.created,
    replicas: config.num_replicas,
    discard: config.discard,
    deleted: info.state.num_deleted ?? 0,
    limits: limitsOf(config),
    duplicateWindowMs: millis(config.duplicate_window),
    contents: counted === undefined ? null : contentsOf(counted, topology),
    readers: readers.sort((a, b) => (a.consumer < b.consumer ? -1 : 1)),
  };
}

function limitsOf(config: StreamInfo['config']): StreamReport['limits'] {
  // JetStream says -1 or 0 where there is no limit.
  const limit = (value: number | undefined) => (value !== undefined && value > 0 ? value : null);
  const age = limit(config.max_age);
  return {
    messages: limit(config.max_msgs),
    bytes: limit(config.max_bytes),
    ageMs: age === null ? null : millis(age),
    messageBytes: limit(config.max_msg_size),
    messagesPerSubject: limit(config.max_msgs_per_subject),
  };
}

function contentsOf({ state }: StreamInfo, topology: Topology): StreamContent[] {
  const counts = new Map<string, number>();
  for (const [subject, messages] of Object.entries(state.subjects ?? {})) {
    const event = topology.readEventSubject(subject);
    const name = event === undefined ? subject : `${event.service}.${event.event}`;
    counts.set(name, (counts.get(name) ?? 0) + messages);
  }
  return [...counts]
    .map(([name, messages]) => ({ name, messages }))
    .sort((a, b) => b.messages - a.messages || (a.name < b.name ? -1 : 1));
}

function readerOf(consumer: ConsumerInfo): StreamReader {
  const { name, config, num_pending, num_ack_pending, num_redelivered, ack_floor } = consumer;
  return {
    consumer: name,
    durable: config.durable_name !== undefined,
    filter: config.filter_subject || config.filter_subjects?.join(', ') || null,
    pending: num_pending,
    inFlight: num_ack_pending,
    redelivered: num_redelivered,
    ackFloor: ack_floor.stream_seq,
  };
}
