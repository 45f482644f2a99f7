/**
 * One stream: its configuration, its log, its consumers, and what may be done with it. Limits, purging and the intake
 * of messages are in files of their own; this one ties them together and is what consumers and the API see.
 */

import { toWireText } from '../../protocol/wire-text.ts';
import type { Message } from '../../routing/message.ts';
import { apiError } from '../api/api-error.ts';
import type { JetStreamContext } from '../context.ts';
import type { Steps } from '../steps.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import { MessageIdTable } from '../store/message-id-table.ts';
import type { SqliteConsumerRows } from '../store/sqlite-consumer-rows.ts';
import type { Store } from '../store/store.ts';
import type { StreamRow, StreamRows } from '../store/stream-rows.ts';
import { AgeLimit } from './age-limit.ts';
import { Capture } from './capture.ts';
import { changeConfig } from './change-config.ts';
import type { ConsumerStream, StreamConsumers } from './consumer-stream.ts';
import { DuplicateWindow } from './duplicate-window.ts';
import { Intake, type IntakeStream } from './intake.ts';
import { enforceLimits, enforceSubjectLimit } from './limits.ts';
import { MessageLog } from './message-log.ts';
import { countMatching, firstAtOrAfter, lastMatching, lastPerSubject, nextMatch } from './message-search.ts';
import { NO_CONSUMERS } from './no-consumers.ts';
import { PublishAcks } from './publish-acks.ts';
import { Purge, type PurgeOrder } from './purge.ts';
import { type Republication, republication } from './republication.ts';
import type { StoredMessage } from './stored-message.ts';
import type { StreamConfig } from './stream-config.ts';
import { covers, SubjectFilter } from './subject-filter.ts';
import type { TailBudget } from './tail.ts';

/** Messages removed before a change of limits is answered; more go in steps. */
const AT_ONCE = 4_096;
const STEP = 512;

export interface StreamEnvironment {
  readonly context: JetStreamContext;
  readonly commits: GroupCommit;
  readonly store: Store;
  readonly rows: StreamRows;
  readonly consumerRows: SqliteConsumerRows;
  readonly budget: TailBudget;
  readonly steps: Steps;
  /** Clears away the tables of this number, which the stream has left. */
  readonly clear: (id: number) => void;
}

export class Stream implements ConsumerStream, IntakeStream {
  readonly name: string;
  readonly createdUs: number;
  readonly log: MessageLog;
  readonly window: DuplicateWindow;
  readonly #environment: StreamEnvironment;
  readonly #capture: Capture;
  readonly #age: AgeLimit;
  readonly #showStored = (): void => this.#show();
  readonly #saveIds = (): void => this.#writeIds();
  #config: StreamConfig;
  #consumers: StreamConsumers = NO_CONSUMERS;
  /** Last sequence that consumers have been told of. */
  #shown: number;
  #subjectsChanged: boolean;
  /** Whether a filter lets everything through that the stream can hold. */
  #covering = new WeakMap<SubjectFilter, boolean>();
  #showing = false;
  /** Consumers are told of a purge as a whole. */
  #purging = false;
  #savingIds = false;
  #republish: Republication | undefined;
  #ids: MessageIdTable;
  /** Number of the tables that `#ids` belongs to. */
  #idsNumber: number;

  constructor(environment: StreamEnvironment, row: StreamRow, config: StreamConfig) {
    const { context, commits, store, rows, budget } = environment;
    this.name = row.name;
    this.createdUs = row.createdUs;
    this.#environment = environment;
    this.#config = config;
    this.#subjectsChanged = row.subjectsChanged;
    this.log = new MessageLog(store, rows, row, config.storage, budget, (sequence, subject) => {
      if (!this.#purging) this.#consumers.removed(sequence, subject);
    });
    this.#shown = this.log.lastSequence;
    this.#ids = new MessageIdTable(store, row.id);
    this.#idsNumber = row.id;
    this.window = new DuplicateWindow(config.duplicate_window / 1_000);
    for (const entries of this.#ids.load(context.nowUs() - this.window.windowUs))
      this.window.restore(entries);
    this.#age = new AgeLimit(this.log, config.max_age / 1_000, context.nowUs);
    this.#capture = new Capture(context.router, (message) => {
      if (commits.failed) return;
      try {
        intake.take(message);
        commits.spent();
      } catch (error) {
        // A store that failed has told its owner. In any case the publisher must not be harmed, and gets no answer.
        if (!commits.failed)
          context.log('error', 'a message could not be taken', { stream: row.name, error });
      }
    });
    const acks = new PublishAcks(context.router, this.#capture, commits, row.name);
    const intake = new Intake(this, acks, context.nowUs);
    this.#republish = republication(config);
  }

  get config(): StreamConfig {
    return this.#config;
  }

  get consumers(): StreamConsumers {
    return this.#consumers;
  }

  /** Before `open`. */
  attach(consumers: StreamConsumers): void {
    this.#consumers = consumers;
  }

  /** Begins to take messages. */
  open(): void {
    this.#capture.listen(this.#config.subjects.map(toWireText));
  }

  /** Takes nothing more and ends its timers. */
  close(): void {
    this.#capture.listen([]);
    this.#age.close();
    this.log.release();
  }

  // For consumers.

  get firstSequence(): number {
    return Math.min(this.log.firstSequence, this.log.committed + 1);
  }

  get lastSequence(): number {
    return this.log.committed;
  }

  get messages(): number {
    return this.log.messages;
  }

  next(from: number, filter: SubjectFilter | undefined): StoredMessage | undefined {
    if (from > this.log.committed) return undefined;
    const message = nextMatch(this.log, from, this.#effective(filter));
    return message === undefined || message.sequence > this.log.committed ? undefined : message;
  }

  load(sequence: number): StoredMessage | undefined {
    return sequence > this.log.committed ? undefined : this.log.load(sequence);
  }

  settle(): void {
    if (this.log.committed < this.log.lastSequence) this.#environment.commits.flush();
  }

  count(from: number, filter: SubjectFilter | undefined): number {
    this.settle();
    return countMatching(this.log, from, this.#effective(filter));
  }

  lastPerSubject(filter: SubjectFilter | undefined): number[] {
    this.settle();
    return lastPerSubject(this.log, filter);
  }

  lastMatching(filter: SubjectFilter | undefined): number {
    this.settle();
    return lastMatching(this.log, filter);
  }

  firstAtOrAfter(timeUs: number): number {
    this.settle();
    return firstAtOrAfter(this.log, timeUs);
  }

  released(sequence: number): void {
    const { retention } = this.#config;
    if (retention === 'workqueue') this.log.remove(sequence);
    else if (retention === 'interest') this.#removeUnneeded(sequence);
  }

  reconsider(from: number): void {
    if (this.#config.retention !== 'interest') return;
    let next = from;
    const last = this.log.lastSequence;
    this.#environment.steps.run(() => {
      for (const message of this.log.outlines(next, STEP)) {
        if (message.sequence > last) return true;
        next = message.sequence + 1;
        if (!this.#consumers.needs(message.sequence, message.subject)) this.log.remove(message.sequence);
      }
      return this.log.sequenceAfter(next) === undefined;
    });
  }

  // For the API.

  /** @throws ApiError when the change is not allowed. */
  update(wanted: StreamConfig): void {
    const config = changeConfig(this.#config, wanted);
    const { rows } = this.#environment;
    this.#subjectsChanged ||= !sameSubjects(config.subjects, this.#config.subjects);
    rows.configure(this.log.id, JSON.stringify(config), this.#subjectsChanged);
    this.#config = config;
    this.#covering = new WeakMap();
    this.#republish = republication(config);
    this.window.windowUs = config.duplicate_window / 1_000;
    this.#age.maxAgeUs = config.max_age / 1_000;
    this.#capture.listen(config.subjects.map(toWireText));
    if (!enforceLimits(this.log, config, AT_ONCE)) this.trimLater();
    if (config.max_msgs_per_subject > 0) this.#trimSubjects();
    this.#consumers.configured();
  }

  /** Removes the message. False when it does not exist. @throws ApiError when that is not allowed. */
  delete(sequence: number): boolean {
    if (this.#config.sealed) throw apiError('streamSealed');
    if (this.#config.deny_delete) throw apiError('streamMessageDeleteFailed', 'message delete not permitted');
    return this.log.remove(sequence) !== undefined;
  }

  /**
   * @param done told how many were removed: at once, or after some turns of the event loop when they are many.
   * @throws ApiError when that is not allowed.
   */
  purge(order: PurgeOrder, done: (purged: number) => void): void {
    if (this.#config.sealed) throw apiError('streamSealed');
    if (this.#config.deny_purge) throw apiError('streamPurgeFailed', 'stream purge not permitted');
    const { messages, lastSequence } = this.log;
    const before = order.before ?? lastSequence + 1;
    if (order.filter === undefined && order.keep === 0 && before > lastSequence) {
      this.rollUpAll();
      // Like the server: sequences go on from the one that was named.
      this.log.advance(before - 1);
      done(messages);
      return;
    }
    this.#purge(order, done);
  }

  /** Ends the stream; its tables are left to be cleared away. */
  remove(): void {
    this.close();
    this.#consumers.streamDeleted();
    this.#environment.consumerRows.removeAll();
    this.#environment.rows.delete(this.log.id);
    this.#environment.clear(this.log.id);
  }

  // For the intake.

  stored(): void {
    this.#age.watch();
    if (this.#showing) return;
    this.#showing = true;
    this.#environment.commits.afterCommit(this.#showStored);
  }

  windowChanged(): void {
    if (this.#savingIds) return;
    this.#savingIds = true;
    this.#environment.commits.beforeCommit(this.#saveIds);
  }

  trimLater(): void {
    this.#environment.steps.run(() => enforceLimits(this.log, this.#config, STEP));
  }

  rollUpAll(): void {
    const left = this.log.id;
    if (!this.log.empty()) return;
    this.#environment.clear(left);
    this.#consumers.purged(this.log.lastSequence + 1, undefined);
  }

  rollUp(subject: string, sequence: number): void {
    this.#purge({ filter: new SubjectFilter(subject), before: sequence, keep: 0 }, () => {});
  }

  republish(message: Message, sequence: number, lastOfSubject: number): void {
    const copy = this.#republish?.(message, sequence, lastOfSubject);
    if (copy === undefined) return;
    const { context, commits } = this.#environment;
    commits.afterCommit(() => context.router.publish(this.#capture, copy));
  }

  #show(): void {
    this.#showing = false;
    this.log.keepTail(this.#consumers.count > 0);
    const first = this.#shown + 1;
    this.#shown = this.log.committed;
    if (this.#shown >= first) this.#consumers.appended(first, this.#shown);
  }

  #purge(order: PurgeOrder, done: (purged: number) => void): void {
    const purge = new Purge(this.log, order);
    const step = (): boolean => {
      this.#purging = true;
      try {
        if (!purge.step()) return false;
      } finally {
        this.#purging = false;
      }
      if (purge.purged > 0) this.#consumers.purged(purge.end, order.filter);
      done(purge.purged);
      return true;
    };
    if (!step()) this.#environment.steps.run(step);
  }

  /** No filter at all where the given one has nothing to keep out: much is cheaper without. */
  #effective(filter: SubjectFilter | undefined): SubjectFilter | undefined {
    if (filter === undefined) return undefined;
    let covering = this.#covering.get(filter);
    if (covering === undefined) {
      covering =
        !this.#subjectsChanged &&
        this.#config.subjects.every((one) => covers(filter.subject, toWireText(one)));
      this.#covering.set(filter, covering);
    }
    return covering ? undefined : filter;
  }

  #removeUnneeded(sequence: number): void {
    const message = this.log.outline(sequence);
    if (message !== undefined && !this.#consumers.needs(sequence, message.subject)) this.log.remove(sequence);
  }

  /** Enforces the limit per subject on what is stored. */
  #trimSubjects(): void {
    let after = 0;
    const step = (): boolean => {
      const crowded = this.log.subjects.above(this.#config.max_msgs_per_subject, after, STEP);
      for (const subject of crowded) {
        after = subject.id;
        const entry = this.log.subjects.find(subject.subject);
        if (entry !== undefined) enforceSubjectLimit(this.log, this.#config, entry);
      }
      return crowded.length < STEP;
    };
    if (!step()) this.#environment.steps.run(step);
  }

  #writeIds(): void {
    this.#savingIds = false;
    const entries = this.window.takeNew();
    if (entries === undefined) return;
    if (this.#idsNumber !== this.log.id) {
      this.#ids = new MessageIdTable(this.#environment.store, this.log.id);
      this.#idsNumber = this.log.id;
    }
    this.#ids.insert(this.log.lastTimeUs, entries);
    this.#ids.trim(this.#environment.context.nowUs() - this.window.windowUs);
  }
}

function sameSubjects(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((subject) => other.includes(subject));
}
