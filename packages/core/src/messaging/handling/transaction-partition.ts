/**
 * Reads one partition for a group whose handler runs in the service's database transaction: every message in order, its effects, what
 * it publishes and the checkpoint in one commit, shared by as many messages as arrive while the one before is flushed.
 *
 * Each message is a write of its own in the database's group commit, begun before those before it are on disk. When one fails, only
 * it is undone; those behind it find it in their way and step back, and all begin again in order when it is tried again.
 */
import type { Msg } from '@nats-io/nats-core';
import { type FlotillaError, platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Database } from '../../store/database.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { CheckpointKey, Checkpoints } from '../durable/checkpoints.ts';
import type { Inbox } from '../durable/inbox.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import type { EventHandler, GroupSettings } from '../subscription.ts';
import type { DeadLetterReason } from '../topology.ts';
import type { DeadLetters } from './dead-letter.ts';
import type { Failures } from './failures.ts';
import { eventOfSubject, InHand } from './message.ts';
import type { PartitionCounts, PartitionRun } from './partition-run.ts';
import { noPosition, type Positions } from './positions.ts';
import type { Progress } from './progress.ts';
import { killer, mostCrashes } from './suspicion.ts';
import type { TransactionAttempts } from './transaction-attempt.ts';

export interface TransactionPartitionOptions {
  readonly stream: string;
  readonly key: CheckpointKey;
  readonly epoch: number;
  readonly handlers: ReadonlyMap<string, EventHandler>;
  readonly settings: GroupSettings;
  readonly database: Database;
  readonly checkpoints: Checkpoints;
  readonly inbox: Inbox;
  readonly attempts: TransactionAttempts;
  /** The publisher's own; undefined: the sequences of the stream. */
  readonly positions: Positions | undefined;
  readonly failures: Failures;
  readonly deadLetters: DeadLetters;
  readonly progress: Progress;
  readonly log: Logger;
  /** Another owns the partition. */
  readonly onLost: (error: unknown) => void;
}

/** One message on its way. */
interface Step {
  readonly sequence: number;
  readonly storedMs: number;
  /** Undefined where no handler wants it. */
  readonly message: InHand | undefined;
  /** Known once it was handled. */
  position: number;
  /** It was handled before. */
  isRepetition: boolean;
}

/** What a write is undone with that steps back behind a message that has failed. */
class InTheWay extends Error {}
const inTheWay = new InTheWay();

export class TransactionPartition implements PartitionRun {
  readonly savesInBucket = false;
  readonly #options: TransactionPartitionOptions;
  readonly #release: (count: number) => void;
  /** Taken and not on disk, in order. */
  #steps: Step[] = [];
  /** The one that has failed; nothing behind it is tried before it is done with. */
  #failed: Step | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #aborted = new AbortController();
  /** The last step of the commit under way. */
  #latest: Pick<Step, 'sequence' | 'position'>;
  /** The last step on disk. */
  #committed: Pick<Step, 'sequence' | 'position'>;
  #pending = 0;
  #retryCount = 0;
  #deadLetterCount = 0;
  #isStopping = false;
  #onQuiet: (() => void) | undefined;

  constructor(
    options: TransactionPartitionOptions,
    from: { readonly sequence: number; readonly position: number },
    release: (count: number) => void,
  ) {
    this.#options = options;
    this.#release = release;
    this.#latest = from;
    this.#committed = from;
  }

  get checkpoint(): number {
    return this.#committed.sequence;
  }

  get counts(): PartitionCounts {
    return {
      lag: this.#pending + this.#steps.length,
      oldestMs: Math.max(0, Date.now() - (this.#steps[0]?.storedMs ?? Number.POSITIVE_INFINITY)),
      inFlight: this.#steps.length,
      retries: this.#retryCount,
      deadLetters: this.#deadLetterCount,
    };
  }

  received(raw: Msg, delivery: Delivery): void {
    const step = this.#take(raw, delivery);
    if (step && !this.#failed) this.#begin(step);
  }

  condemned(raw: Msg, delivery: Delivery): void {
    const step = this.#take(raw, delivery);
    if (!step) return;
    if (!step.message) {
      this.#begin(step);
      return;
    }
    this.#failed = step;
    step.message.attempt = mostCrashes;
    this.#options.attempts.of(step.message).series.count('crashed');
    this.#startBurying(step, step.message, 'crashed', killer(step.message.type));
  }

  #take(raw: Msg, delivery: Delivery): Step | undefined {
    if (this.#isStopping) return undefined;
    const { handlers, stream, key } = this.#options;
    this.#pending = delivery.pending;
    const handler = handlers.get(eventOfSubject(raw.subject));
    const message = handler && new InHand(raw, handler, stream, key.partition, delivery);
    const { sequence, timeMs: storedMs } = delivery;
    const step = { sequence, storedMs, message, position: noPosition, isRepetition: false };
    this.#steps.push(step);
    return step;
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#retry);
    if (this.#steps.length > 0 && !this.#failed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onQuiet = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.abort(platformError('unavailable', 'the partition was given back'));
  }

  abort(reason: FlotillaError): void {
    this.#isStopping = true;
    clearTimeout(this.#retry);
    this.#aborted.abort(reason);
  }

  #begin(step: Step): void {
    this.#options.database
      .write(() => this.#apply(step))
      .then(
        () => this.#done(step),
        (error: unknown) => this.#undone(step, error),
      );
  }

  /** Inside of the transaction. */
  #apply(step: Step): void {
    if (this.#failed || this.#aborted.signal.aborted) throw inTheWay;
    this.#options.checkpoints.requireEpoch(this.#options.key, this.#options.epoch);
    step.position = step.message ? this.#handle(step, step.message) : this.#positionWithout(step);
    this.#moveTo(step);
  }

  #handle(step: Step, message: InHand): number {
    const { settings, inbox, attempts } = this.#options;
    try {
      step.isRepetition = settings.inboxMs !== undefined && !inbox.mark(settings.group, message.inboxId);
      if (step.isRepetition) return attempts.positionOf(message);
      message.attempt += 1;
      if (message.attempt === 1) message.firstAttemptMs = Date.now();
      const position = attempts.run(message, this.#latest.position);
      step.isRepetition = position === undefined;
      return position ?? this.#latest.position;
    } catch (error) {
      this.#failed = step;
      throw error;
    }
  }

  /** Of a message that is not handled: a number of the publisher's own is not known. */
  #positionWithout({ sequence }: Step): number {
    return this.#options.positions ? this.#latest.position : sequence;
  }

  #moveTo(step: Step): void {
    this.#latest = step;
    this.#options.database.beforeCommit(this.#save);
  }

  /** Once for all messages of a commit. The epoch was looked at in the same transaction. */
  readonly #save = (): void => {
    const { checkpoints, key, epoch } = this.#options;
    checkpoints.save(key, epoch, this.#latest.sequence, this.#latest.position);
    this.#options.database.afterCommit(this.#tell);
  };

  /** With the commit, so that whoever reads rows and progress in one turn sees both of one moment. */
  readonly #tell = (): void => {
    const { progress, key } = this.#options;
    progress.reached(key.partition, this.#latest.sequence, this.#latest.position);
  };

  /** On disk, as are those before it. */
  #done(step: Step): void {
    const { attempts } = this.#options;
    this.#steps.shift();
    this.#committed = step;
    if (step.message && step !== this.#failed) {
      attempts.of(step.message).series.count(step.isRepetition ? 'skipped' : 'ok');
    }
    this.#release(1);
    if (this.#steps.length === 0) this.#onQuiet?.();
  }

  #undone(step: Step, error: unknown): void {
    if (error === inTheWay || this.#aborted.signal.aborted) return;
    if (step === this.#failed && step.message) this.#decide(step, step.message, error);
    else if (toFlotillaError(error).code === 'conflict') this.#options.onLost(error);
    else this.#options.log.error('a message cannot be written to the database', { error });
  }

  #decide(step: Step, message: InHand, error: unknown): void {
    const { failures, attempts } = this.#options;
    const next = failures.decide(message, error);
    const { series } = attempts.of(message);
    if (next.kind === 'retry') {
      series.count('retry');
      this.#retryCount += 1;
      if (this.#isStopping) this.#onQuiet?.();
      else this.#retry = setTimeout(() => this.#resume(), next.delayMs).unref();
      return;
    }
    series.count(next.reason);
    this.#startBurying(step, message, next.reason, error);
  }

  #startBurying(step: Step, message: InHand, reason: DeadLetterReason, error: unknown): void {
    this.#bury(step, message, reason, error).catch((cause: unknown) => {
      this.#options.log.debug('a dead letter was left to the next owner', { id: message.id, cause });
    });
  }

  /** The dead letter first; then the checkpoint moves over the message, and those behind it go on. */
  async #bury(step: Step, message: InHand, reason: DeadLetterReason, error: unknown): Promise<void> {
    const { deadLetters, settings, database, checkpoints, key, epoch } = this.#options;
    await deadLetters.write(message, settings.group, reason, error, this.#aborted.signal);
    this.#deadLetterCount += 1;
    await database.write(() => {
      checkpoints.requireEpoch(key, epoch);
      step.position = this.#positionWithout(step);
      this.#moveTo(step);
    });
    this.#done(step);
    this.#resume();
  }

  #resume(): void {
    this.#failed = undefined;
    if (this.#isStopping) this.#onQuiet?.();
    else for (const step of this.#steps) this.#begin(step);
  }
}
