/**
 * One stream: its configuration, its log, its consumers, and what may be done with it. What messages go through on
 * their way in (`intake.ts`), what removes them (`limits.ts`, `housekeeping.ts`, `age-limit.ts`) and what consumers see
 * (`committed-view.ts`) are apart; this ties them together.
 */
import { toWireText } from '../../protocol/wire-text.ts';
import type { Message } from '../../routing/message.ts';
import { apiError } from '../api/api-error.ts';
import type { JetStreamContext } from '../context.ts';
import type { Steps } from '../steps.ts';
import type { GroupCommit } from '../store/group-commit.ts';
import type { SqliteConsumerRows } from '../store/sqlite-consumer-rows.ts';
import type { Store } from '../store/store.ts';
import type { StreamRow, StreamRows } from '../store/stream-rows.ts';
import { AgeLimit } from './age-limit.ts';
import { Capture } from './capture.ts';
import { changeConfig } from './change-config.ts';
import { CommittedView } from './committed-view.ts';
import type { ConsumerStream, StreamConsumers } from './consumer-stream.ts';
import { Housekeeping } from './housekeeping.ts';
import { Intake, type IntakeStream } from './intake.ts';
import { MessageLog } from './message-log.ts';
import { NO_CONSUMERS } from './no-consumers.ts';
import { PublishAcks } from './publish-acks.ts';
import type { PurgeOrder } from './purge.ts';
import type { ReadAhead } from './read-ahead.ts';
import { type Republication, republication } from './republication.ts';
import { SeenIds } from './seen-ids.ts';
import type { StreamConfig } from './stream-config.ts';
import { SubjectFilter } from './subject-filter.ts';
import type { TailBudget } from './tail.ts';

export interface StreamEnvironment {
  readonly context: JetStreamContext;
  readonly commits: GroupCommit;
  readonly store: Store;
  readonly rows: StreamRows;
  readonly consumerRows: SqliteConsumerRows;
  readonly budget: TailBudget;
  readonly readAhead: ReadAhead;
  readonly steps: Steps;
  /** Clears away the tables of this number, which the stream has left. */
  readonly clear: (id: number) => void;
}

export class Stream implements IntakeStream {
  readonly name: string;
  readonly createdUs: number;
  readonly log: MessageLog;
  readonly ids: SeenIds;
  readonly acks: PublishAcks;
  readonly #environment: StreamEnvironment;
  readonly #view: CommittedView;
  readonly #housekeeping: Housekeeping;
  readonly #intake: Intake;
  readonly #capture: Capture;
  readonly #age: AgeLimit;
  readonly #showStored = (): void => this.#show();
  #config: StreamConfig;
  #consumers: StreamConsumers = NO_CONSUMERS;
  #republication: Republication | undefined;
  /** Whether messages may have subjects that the configuration does not name any more. */
  #subjectsChanged: boolean;
  /** Last sequence that consumers have been told of. */
  #shown: number;
  #showing = false;

  constructor(environment: StreamEnvironment, row: StreamRow, config: StreamConfig) {
    const { context, commits, store, rows, budget, readAhead, steps } = environment;
    this.name = row.name;
    this.createdUs = row.createdUs;
    this.#environment = environment;
    this.#config = config;
    this.#subjectsChanged = row.subjectsChanged;
    this.log = new MessageLog(store, rows, row, config.storage, budget, readAhead, (sequence, subject) =>
      this.#consumers.removed(sequence, subject),
    );
    this.#shown = this.log.lastSequence;
    this.ids = new SeenIds(store, this.log, config.duplicate_window / 1_000, context.nowUs);
    this.#view = new CommittedView(this, commits);
    this.#housekeeping = new Housekeeping(this.log, steps);
    this.#age = new AgeLimit(this.log, config.max_age / 1_000, context.nowUs, (error) =>
      context.log('error', 'old messages could not be removed', { stream: row.name, error }),
    );
    this.#capture = new Capture(context.router, (message) => this.#take(message));
    this.acks = new PublishAcks(context.router, this.#capture, commits, row.name);
    this.#intake = new Intake(this, context.nowUs);
    this.#derive();
  }

  get config(): StreamConfig {
    return this.#config;
  }

  get consumers(): StreamConsumers {
    return this.#consumers;
  }

  /** Before `open`. @param consumers made for what consumers see of this stream. */
  attach(consumers: (stream: ConsumerStream) => StreamConsumers): void {
    this.#consumers = consumers(this.#view);
  }

  /** Begins to take messages. */
  open(): void {
    this.#capture.listen(this.#config.subjects.map(toWireText));
  }

  /** Takes nothing more and ends its timers. */
  close(): void {
    this.#capture.listen([]);
    this.#age.close();
    this.#housekeeping.close();
    this.log.release();
  }

  /** @throws ApiError when the change is not allowed. */
  update(wanted: StreamConfig): void {
    const config = changeConfig(this.#config, wanted);
    this.#subjectsChanged ||= !sameSubjects(config.subjects, this.#config.subjects);
    this.#environment.rows.configure(this.log.id, JSON.stringify(config), this.#subjectsChanged);
    this.#config = config;
    this.#derive();
    this.ids.window.windowUs = config.duplicate_window / 1_000;
    this.#age.maxAgeUs = config.max_age / 1_000;
    this.open();
    this.trim();
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

  /** See `ConsumerStream`. */
  released(sequence: number): void {
    const { retention } = this.#config;
    if (retention === 'workqueue') this.log.remove(sequence);
    if (retention !== 'interest') return;
    const message = this.log.outline(sequence);
    if (message !== undefined && !this.#consumers.needs(sequence, message.subject)) this.log.remove(sequence);
  }

  /** See `ConsumerStream`. */
  reconsider(from: number): void {
    if (this.#config.retention !== 'interest') return;
    this.#housekeeping.sift(from, (sequence, subject) => this.#consumers.needs(sequence, subject));
  }

  // For the intake.

  stored(): void {
    this.#age.watch();
    if (this.#showing) return;
    this.#showing = true;
    this.#environment.commits.afterCommit(this.#showStored);
  }

  trim(): void {
    this.#housekeeping.trim(this.#config);
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
    const copy = this.#republication?.(message, sequence, lastOfSubject);
    if (copy === undefined) return;
    const { context, commits } = this.#environment;
    commits.afterCommit(() => context.router.publish(this.#capture, copy));
  }

  #take(message: Message): void {
    const { context, commits } = this.#environment;
    if (commits.failed) return;
    try {
      this.#intake.take(message);
      commits.spent();
    } catch (error) {
      // The publisher must not be harmed. It gets no answer.
      context.log('error', 'a message could not be taken', { stream: this.name, error });
    }
  }

  #show(): void {
    this.#showing = false;
    this.log.keepTail(this.#consumers.count > 0);
    const first = this.#shown + 1;
    this.#shown = this.log.committed;
    if (this.#shown >= first) this.#consumers.appended(first, this.#shown);
  }

  #purge(order: PurgeOrder, done: (purged: number) => void): void {
    this.#housekeeping.purge(order, ({ purged, end }) => {
      if (purged > 0) this.#consumers.purged(end, order.filter);
      done(purged);
    });
  }

  /** What follows from the configuration. */
  #derive(): void {
    const { subjects } = this.#config;
    this.#view.subjects = this.#subjectsChanged ? undefined : subjects;
    this.#republication = republication(this.#config);
  }
}

function sameSubjects(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((subject) => other.includes(subject));
}
