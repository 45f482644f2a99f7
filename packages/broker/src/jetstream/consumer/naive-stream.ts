/** A stream in memory, as simple as can be: the test double for consumers, and the oracle of their property tests. */
import type { ConsumerStream, StreamConsumers } from '../stream/consumer-stream.ts';
import { type Counting, counted } from '../stream/match-count.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import type { Retention, StreamConfig } from '../stream/stream-config.ts';
import type { SubjectFilter } from '../stream/subject-filter.ts';

export class NaiveStream implements ConsumerStream {
  readonly name: string;
  config: StreamConfig;
  lastSequence = 0;
  /** Sequences that consumers were done with, in order. */
  readonly done: number[] = [];
  /** Told of what happens. */
  consumers: StreamConsumers | undefined;
  readonly #messages = new Map<number, StoredMessage>();

  constructor(name = 'S', retention: Retention = 'limits', subjects: readonly string[] = ['>']) {
    this.name = name;
    this.config = {
      name,
      subjects,
      retention,
      max_consumers: -1,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      max_msgs_per_subject: -1,
      max_msg_size: -1,
      discard: 'old',
      storage: 'file',
      num_replicas: 1,
      duplicate_window: 0,
      sealed: false,
      deny_delete: false,
      deny_purge: false,
      allow_rollup_hdrs: false,
      allow_direct: false,
      mirror_direct: false,
    };
  }

  get firstSequence(): number {
    return Math.min(this.lastSequence + 1, ...this.#messages.keys());
  }

  get messages(): number {
    return this.#messages.size;
  }

  /** Stores one message and returns its sequence. */
  append(subject: string, body = '', timeUs = this.lastSequence + 1, headers = ''): number {
    const sequence = ++this.lastSequence;
    this.#messages.set(sequence, {
      sequence,
      timeUs,
      subject,
      payload: Buffer.from(headers + body, 'latin1'),
      headerLength: headers.length,
    });
    this.consumers?.appended(sequence, sequence);
    return sequence;
  }

  remove(sequence: number): void {
    const message = this.#messages.get(sequence);
    if (message === undefined) return;
    this.#messages.delete(sequence);
    this.consumers?.removed(sequence, message.subject);
  }

  purge(upTo: number, filter?: SubjectFilter): void {
    for (const message of this.stored(filter)) {
      if (message.sequence < upTo) this.#messages.delete(message.sequence);
    }
    this.consumers?.purged(upTo, filter);
  }

  stored(filter?: SubjectFilter): StoredMessage[] {
    return [...this.#messages.values()].filter(({ subject }) => filter?.matches(subject) ?? true);
  }

  next(from: number, filter: SubjectFilter | undefined): StoredMessage | undefined {
    return this.stored(filter).find(({ sequence }) => sequence >= from);
  }

  load(sequence: number): StoredMessage | undefined {
    return this.#messages.get(sequence);
  }

  settle(): void {}

  startCount(from: number, filter: SubjectFilter | undefined): Counting {
    const count = this.stored(filter).filter(({ sequence }) => sequence >= from).length;
    return counted(this.lastSequence, count);
  }

  lastPerSubject(filter: SubjectFilter | undefined): number[] {
    const last = new Map(this.stored(filter).map(({ subject, sequence }) => [subject, sequence]));
    return [...last.values()].sort((a, b) => a - b);
  }

  lastMatching(filter: SubjectFilter | undefined): number {
    return this.stored(filter).at(-1)?.sequence ?? 0;
  }

  firstAtOrAfter(timeUs: number): number {
    return this.stored().find((message) => message.timeUs >= timeUs)?.sequence ?? this.lastSequence + 1;
  }

  released(sequence: number): void {
    this.done.push(sequence);
    const message = this.#messages.get(sequence);
    if (message === undefined || this.config.retention === 'limits') return;
    const isNeeded =
      this.config.retention === 'interest' && this.consumers?.needs(sequence, message.subject) === true;
    if (!isNeeded) this.remove(sequence);
  }

  reconsider(from: number): void {
    if (this.config.retention !== 'interest') return;
    for (const { sequence, subject } of this.stored()) {
      if (sequence >= from && this.consumers?.needs(sequence, subject) !== true) this.remove(sequence);
    }
  }
}
