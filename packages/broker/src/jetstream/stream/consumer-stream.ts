/**
 * The border between a stream and its consumers: what consumers may ask of the stream, and what the stream tells and
 * asks them, all of them together.
 *
 * Only committed messages can be seen through it. Sequences are safe integers, subjects wire text. Everything is
 * synchronous and is called on the broker's one thread.
 */
import type { ConsumerStatus } from '../stream-status.ts';
import type { Counting } from './match-count.ts';
import type { StoredMessage } from './stored-message.ts';
import type { StreamConfig } from './stream-config.ts';
import type { SubjectFilter } from './subject-filter.ts';

export interface ConsumerStream {
  readonly name: string;
  /** Changes when the stream is updated; see `StreamConsumers.configured`. */
  readonly config: StreamConfig;
  /** Of the oldest stored message; `lastSequence + 1` when there is none. */
  readonly firstSequence: number;
  /** Of the newest committed message, stored or not any more; 0 before the first. */
  readonly lastSequence: number;
  /** How many messages are stored. */
  readonly messages: number;

  /**
   * The first message at or after `from` whose subject matches; all match when there is no filter.
   *
   * @throws DamagedRecord when that message is not what was written. It stays where it is until it is deleted.
   */
  next(from: number, filter: SubjectFilter | undefined): StoredMessage | undefined;
  /** Undefined when it does not exist (any more). Throws like `next`. */
  load(sequence: number): StoredMessage | undefined;
  /**
   * Commits what has been published so far, so that it can be seen; `appended` comes within the call. `startCount` and what
   * is below it do that by themselves.
   */
  settle(): void;
  /**
   * Begins to count the stored messages at or after `from` that match, a bounded number of them at a time. What is
   * appended later is not counted.
   */
  startCount(from: number, filter: SubjectFilter | undefined): Counting;
  /** The last sequence of every subject that matches, ascending. */
  lastPerSubject(filter: SubjectFilter | undefined): number[];
  /** The last message that matches; 0 when there is none. */
  lastMatching(filter: SubjectFilter | undefined): number;
  /** The first sequence that was stored at that time or later; `lastSequence + 1` when there is none. */
  firstAtOrAfter(timeUs: number): number;

  /**
   * One consumer is done with a message (acknowledged, terminated or delivered for good). Under work-queue retention
   * that removes it, under interest retention when no other consumer needs it. Nothing happens under limits.
   */
  released(sequence: number): void;
  /**
   * A consumer was deleted or its filter changed: messages from `from` on that nobody needs any more are removed, in
   * bounded steps. Nothing happens under limits retention.
   */
  reconsider(from: number): void;
}

/** All consumers of one stream, as the stream sees them. */
export interface StreamConsumers {
  readonly count: number;
  /** For operators. */
  status(): ConsumerStatus[];
  /** After the commit: messages `first` to `last` are there. Some may be gone again already. */
  appended(first: number, last: number): void;
  /** A stored message vanished: deleted, expired, over a limit, rolled up or released. Before the commit. */
  removed(sequence: number, subject: string): void;
  /**
   * Many messages vanished at once: all that match `filter` (all when undefined) below `upTo`. Whoever counts has to
   * count again. Before the commit.
   */
  purged(upTo: number, filter: SubjectFilter | undefined): void;
  /** Whether a consumer has yet to deliver the message or to get its acknowledgement. */
  needs(sequence: number, subject: string): boolean;
  /** Whether there is a consumer for this subject: under interest retention a message without one is not stored. */
  interested(subject: string): boolean;
  /** The stream's configuration was changed. */
  configured(): void;
  /** The stream is being deleted: end all deliveries and free everything; rows are removed by the store. */
  streamDeleted(): void;
}
