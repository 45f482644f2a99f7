/**
 * The groups' bucket: a NATS key-value bucket, written by compare-and-set on the revision of a key, and watched. Only what groups
 * need of it; any key-value client can read it.
 */
import { type Msg, nuid } from '@nats-io/nats-core';
import type { Logger } from '../../telemetry/log.ts';
import { asHeaders, headerBlock, headerLine, headersOf, readHeaderBlock } from '../headers.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import { StreamReader } from '../jetstream/stream-reader.ts';
import type { Streams } from '../jetstream/streams.ts';
import { Outgoing, type PublishAck, type Publisher } from '../publishing/publisher.ts';
import { header } from '../topology.ts';

export interface GroupBucketOptions {
  readonly streams: Streams;
  readonly link: BrokerLink;
  readonly publisher: Publisher;
  readonly log: Logger;
}

/** A change of a key. */
export interface BucketEntry {
  readonly key: string;
  readonly revision: number;
  /** Undefined: the key was deleted. */
  readonly value: unknown;
}

/** How the real client marks a deleted key. */
const operationHeader = 'KV-Operation';

export class GroupBucket {
  readonly #streams: Streams;
  readonly #link: BrokerLink;
  readonly #publisher: Publisher;
  readonly #log: Logger;

  constructor({ streams, link, publisher, log }: GroupBucketOptions) {
    this.#streams = streams;
    this.#link = link;
    this.#publisher = publisher;
    this.#log = log;
  }

  /**
   * Writes a key and gives its revision.
   *
   * @param expected only if the key's last revision is this one; 0: only if it was never written; undefined: in any case.
   * @throws FlotillaError `conflict` when the revision is another.
   */
  put(key: string, value: unknown, expected: number | undefined, withinMs: number): Promise<number> {
    return this.#write(key, Buffer.from(JSON.stringify(value)), '', expected, withinMs);
  }

  /** Deletes a key, under the same condition. */
  delete(key: string, expected: number | undefined, withinMs: number): Promise<number> {
    return this.#write(key, new Uint8Array(0), headerLine(operationHeader, 'DEL'), expected, withinMs);
  }

  /** The last entry of a key, as its leader has it; undefined when it was never written. */
  async get(key: string): Promise<BucketEntry | undefined> {
    const { api, topology } = this.#streams;
    const found = await api.lastMessage(topology.groupsStream, topology.keySubject(key));
    if (!found) return undefined;
    const headers = readHeaderBlock(Buffer.from(found.hdrs ?? '', 'base64'));
    const isGone = headers.get(operationHeader) !== undefined;
    const text = Buffer.from(found.data ?? '', 'base64').toString('utf8');
    return { key, revision: found.seq, value: isGone ? undefined : JSON.parse(text) };
  }

  /**
   * Gives the last entry of each key below the subject filter, then every change, in the order of their revisions.
   *
   * @param onLost the bucket was lost, and is made anew: no revision that was seen means anything. The watch has ended.
   * @returns what ends it.
   */
  watch(filter: string, onEntry: (entry: BucketEntry) => void, onLost: () => void): () => void {
    const { api, topology } = this.#streams;
    const reader = new StreamReader({
      api,
      link: this.#link,
      log: this.#log,
      stream: topology.groupsStream,
      filter,
      after: 0,
      lastPerSubject: true,
      describe: () => this.#streams.ensureGroups(),
      onOtherStream: onLost,
      description: `watches ${filter}`,
      onMessage: (message, delivery) => {
        reader.release(1);
        const entry = readEntry(message, delivery, topology.keyOf(message.subject));
        if (entry) onEntry(entry);
      },
    });
    return () => reader.stop();
  }

  async #write(
    key: string,
    payload: Uint8Array,
    more: string,
    expected: number | undefined,
    withinMs: number,
  ): Promise<number> {
    const subject = this.#streams.topology.keySubject(key);
    const condition =
      expected === undefined ? '' : headerLine(header.expectedLastSubjectSequence, String(expected));
    // Under an id of its own a write that is repeated, because its acknowledgement was lost, is not refused as out of date.
    const block = headerBlock(headerLine(header.messageId, nuid.next()) + condition + more);
    const dueAt = performance.now() + withinMs;
    const { seq } = await new Promise<PublishAck>((resolve, reject) => {
      this.#publisher.send(new Outgoing(subject, asHeaders(block), payload, dueAt, resolve, reject));
    });
    return seq;
  }
}

/** Undefined for what is no JSON: somebody else's entry. */
function readEntry(message: Msg, { sequence }: Delivery, key: string): BucketEntry | undefined {
  if (headersOf(message).get(operationHeader) !== undefined)
    return { key, revision: sequence, value: undefined };
  try {
    return { key, revision: sequence, value: message.json() };
  } catch {
    return undefined;
  }
}
