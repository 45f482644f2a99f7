/** A stream as its consumers read it: only what is committed, and without filters that keep nothing out. */
import { toWireText } from '../../protocol/wire-text.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import type { ConsumerStream } from './consumer-stream.ts';
import { type Counting, startCount } from './match-count.ts';
import type { MessageLog } from './message-log.ts';
import { firstAtOrAfter, lastMatching, lastPerSubject, nextMatch } from './message-search.ts';
import type { StoredMessage } from './stored-message.ts';
import type { StreamConfig } from './stream-config.ts';
import { covers, type SubjectFilter } from './subject-filter.ts';

/** The part of a stream that is not reading. */
export interface ViewedStream {
  readonly name: string;
  readonly config: StreamConfig;
  readonly log: MessageLog;
  released(sequence: number): void;
  reconsider(from: number): void;
}

export class CommittedView implements ConsumerStream {
  readonly #stream: ViewedStream;
  readonly #log: MessageLog;
  readonly #commits: GroupCommit;
  #subjects: readonly string[] = [];
  /** Whether a filter lets everything through that the stream can hold. */
  #covering = new WeakMap<SubjectFilter, boolean>();

  constructor(stream: ViewedStream, commits: GroupCommit) {
    this.#stream = stream;
    this.#log = stream.log;
    this.#commits = commits;
  }

  /** The subjects that messages can have, as patterns; undefined when messages may have others. */
  set subjects(subjects: readonly string[] | undefined) {
    this.#subjects = subjects?.map(toWireText) ?? ['>'];
    this.#covering = new WeakMap();
  }

  get name(): string {
    return this.#stream.name;
  }

  get config(): StreamConfig {
    return this.#stream.config;
  }

  get firstSequence(): number {
    return Math.min(this.#log.firstSequence, this.#log.committed + 1);
  }

  get lastSequence(): number {
    return this.#log.committed;
  }

  get messages(): number {
    return this.#log.messages;
  }

  next(from: number, filter: SubjectFilter | undefined): StoredMessage | undefined {
    if (from > this.#log.committed) return undefined;
    const message = nextMatch(this.#log, from, this.#effective(filter));
    return message === undefined || message.sequence > this.#log.committed ? undefined : message;
  }

  load(sequence: number): StoredMessage | undefined {
    return sequence > this.#log.committed ? undefined : this.#log.load(sequence);
  }

  settle(): void {
    if (this.#log.committed < this.#log.lastSequence) this.#commits.flush();
  }

  startCount(from: number, filter: SubjectFilter | undefined): Counting {
    this.settle();
    return startCount(this.#log, from, this.#effective(filter));
  }

  lastPerSubject(filter: SubjectFilter | undefined): number[] {
    this.settle();
    return lastPerSubject(this.#log, filter);
  }

  lastMatching(filter: SubjectFilter | undefined): number {
    this.settle();
    return lastMatching(this.#log, filter);
  }

  firstAtOrAfter(timeUs: number): number {
    this.settle();
    return firstAtOrAfter(this.#log, timeUs);
  }

  released(sequence: number): void {
    this.#stream.released(sequence);
  }

  reconsider(from: number): void {
    this.#stream.reconsider(from);
  }

  /** Much is cheaper without a filter. */
  #effective(filter: SubjectFilter | undefined): SubjectFilter | undefined {
    if (filter === undefined) return undefined;
    let covering = this.#covering.get(filter);
    if (covering === undefined) {
      covering = this.#subjects.every((subject) => covers(filter.subject, subject));
      this.#covering.set(filter, covering);
    }
    return covering ? undefined : filter;
  }
}
