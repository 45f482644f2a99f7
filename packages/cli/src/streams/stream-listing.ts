/** A stream in one line: what `flotilla stream ls` prints, and with `--json` the object itself. */

import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';

export interface StreamListing {
  readonly stream: string;
  readonly description: string | null;
  readonly subjects: readonly string[];
  readonly storage: string;
  readonly retention: string;
  readonly messages: number;
  readonly bytes: number;
  /** Of the oldest and the newest message; null in an empty stream. */
  readonly firstSequence: number | null;
  readonly lastSequence: number;
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly consumers: number;
}

/** By name. */
export async function listStreams(jsm: JetStreamManager): Promise<StreamListing[]> {
  const listings: StreamListing[] = [];
  for await (const info of jsm.streams.list()) listings.push(listingOf(info));
  return listings.sort((a, b) => (a.stream < b.stream ? -1 : 1));
}

export function listingOf({ config, state }: StreamInfo): StreamListing {
  const empty = state.messages === 0;
  return {
    stream: config.name,
    description: config.description ?? null,
    subjects: config.subjects ?? [],
    storage: config.storage,
    retention: config.retention,
    messages: state.messages,
    bytes: state.bytes,
    firstSequence: empty ? null : state.first_seq,
    lastSequence: state.last_seq,
    // The time of a message that is gone stays behind in the state of an empty stream.
    firstAt: empty ? null : state.first_ts,
    lastAt: empty ? null : state.last_ts,
    consumers: state.consumer_count,
  };
}
