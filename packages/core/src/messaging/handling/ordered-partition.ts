/**
 * Reads one partition for a group, in the order of each key: messages of different keys are handled beside each other, and one that
 * failed keeps only its own key waiting. Retries happen here, in memory; the stream knows nothing of them, and delivers
 * nothing twice to its owner. The checkpoint follows what is done with.
 */
import type { Msg } from '@nats-io/nats-core';
import { type FlotillaError, platformError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import type { EventHandler, GroupSettings } from '../subscription.ts';
import type { DeadLetterReason } from '../topology.ts';
import { Attempt, type AttemptEnvironment } from './attempt.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import type { DeadLetters } from './dead-letter.ts';
import type { Failures } from './failures.ts';
import type { HandlingOutcome } from './handling-metrics.ts';
import { AlreadyHandled, type InboxGate } from './inbox-gate.ts';
import { KeyLanes } from './key-lanes.ts';
import { eventOfSubject, InHand } from './message.ts';
import type { PartitionCounts, PartitionRun } from './partition-run.ts';
import { PartitionWindow } from './partition-window.ts';
import type { Places } from './places.ts';
import { killer, mostCrashes } from './suspicion.ts';

export interface OrderedPartitionOptions {
  readonly stream: string;
  readonly partition: number;
  readonly handlers: ReadonlyMap<string, EventHandler>;
  readonly settings: GroupSettings;
  readonly environment: AttemptEnvironment;
  /** Shared by the partitions of this instance. */
  readonly places: Places;
  readonly failures: Failures;
  readonly deadLetters: DeadLetters;
  readonly checkpoints: CheckpointStore;
  readonly gate: InboxGate;
  readonly log: Logger;
  /** Another owns the partition. */
  readonly onLost: (error: unknown) => void;
  /** Everything up to here is done with. */
  readonly onCheckpoint: (sequence: number) => void;
}

/** A crash repeats at most what was handled within this time. */
const checkpointPauseMs = 100;

export class OrderedPartition implements PartitionRun {
  readonly #options: OrderedPartitionOptions;
  readonly #lanes = new KeyLanes<InHand>();
  readonly #attempts = new Set<Attempt>();
  readonly #retries = new Map<InHand, NodeJS.Timeout>();
  readonly #writer: CheckpointWriter;
  readonly #aborted = new AbortController();
  readonly #window: PartitionWindow;
  readonly #release: (count: number) => void;
  #pending = 0;
  #retryCount = 0;
  #deadLetterCount = 0;
  #isStopping = false;
  #onQuiet: (() => void) | undefined;

  /**
   * @param checkpoint to begin behind.
   * @param release lets the reader of the partition bring so many more messages.
   */
  constructor(options: OrderedPartitionOptions, checkpoint: number, release: (count: number) => void) {
    this.#options = options;
    this.#release = release;
    this.#window = new PartitionWindow(checkpoint);
    this.#writer = new CheckpointWriter({
      store: options.checkpoints,
      pauseMs: checkpointPauseMs,
      log: options.log,
      onLost: options.onLost,
    });
  }

  get checkpoint(): number {
    return this.#window.checkpoint;
  }

  get savesInBucket(): boolean {
    return this.#options.checkpoints.isBucket;
  }

  get counts(): PartitionCounts {
    return {
      lag: this.#pending + this.#window.open,
      oldestMs: Math.max(0, Date.now() - (this.#window.oldestTime ?? Number.POSITIVE_INFINITY)),
      inFlight: this.#window.open,
      retries: this.#retryCount,
      deadLetters: this.#deadLetterCount,
    };
  }

  received(raw: Msg, delivery: Delivery): void {
    const message = this.#take(raw, delivery);
    if (message && this.#lanes.enter(message)) this.#begin(message);
  }

  condemned(raw: Msg, delivery: Delivery): void {
    const message = this.#take(raw, delivery);
    if (!message) return;
    message.attempt = mostCrashes;
    // Nothing else is in hand: see `CautiousReader`.
    if (this.#lanes.enter(message)) this.#bury(message, 'crashed', killer(message.type));
  }

  /** Undefined for what is not wanted. */
  #take(raw: Msg, delivery: Delivery): InHand | undefined {
    if (this.#isStopping) return undefined;
    const { handlers, stream, partition } = this.#options;
    this.#pending = delivery.pending;
    this.#window.take(delivery.sequence, delivery.timeMs);
    const handler = handlers.get(eventOfSubject(raw.subject));
    if (handler) return new InHand(raw, handler, stream, partition, delivery);
    this.#done(delivery.sequence);
    return undefined;
  }

  /** Takes nothing any more; resolves once what is in hand has ended, or after `graceMs`, with the checkpoint saved. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
    if (this.#attempts.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onQuiet = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await this.#writer.finish();
    this.abort(platformError('unavailable', 'the partition was given back'));
  }

  /** Another owns the partition: nothing that is still done here counts. */
  abort(reason: FlotillaError): void {
    this.#isStopping = true;
    this.#writer.stop();
    this.#aborted.abort(reason);
    for (const timer of this.#retries.values()) clearTimeout(timer);
    for (const attempt of this.#attempts) attempt.abort(reason);
  }

  #begin(message: InHand): void {
    this.#options.places.enter(() => this.#attempt(message));
  }

  #attempt(message: InHand): void {
    if (this.#isStopping) {
      this.#options.places.leave();
      return;
    }
    if (this.#options.gate.isHandled(message)) {
      this.#options.places.leave();
      this.#ended(message, 'skipped');
      return;
    }
    message.attempt += 1;
    if (message.attempt === 1) message.firstAttemptMs = Date.now();
    const attempt = new Attempt(this.#options.environment, message);
    this.#attempts.add(attempt);
    attempt.run((error, ended) => {
      this.#attempts.delete(ended);
      this.#options.places.leave();
      if (this.#aborted.signal.aborted) return;
      if (error === undefined) this.#ended(message, 'ok');
      // Once its transaction has committed a message is handled, whatever the handler did afterwards.
      else if (error instanceof AlreadyHandled || ended.hasMark) this.#ended(message, 'skipped');
      else this.#failed(message, error);
      if (this.#attempts.size === 0) this.#onQuiet?.();
    });
  }

  #ended(message: InHand, outcome: HandlingOutcome): void {
    this.#options.environment.of(message).series.count(outcome);
    this.#finished(message);
  }

  #failed(message: InHand, error: unknown): void {
    const { failures, environment } = this.#options;
    const next = failures.decide(message, error);
    if (next.kind === 'retry') {
      environment.of(message).series.count('retry');
      this.#retryCount += 1;
      if (this.#isStopping) return;
      const again = (): void => {
        this.#retries.delete(message);
        this.#begin(message);
      };
      this.#retries.set(message, setTimeout(again, next.delayMs).unref());
      return;
    }
    this.#bury(message, next.reason, error);
  }

  #bury(message: InHand, reason: DeadLetterReason, error: unknown): void {
    const { deadLetters, settings, environment, log } = this.#options;
    environment.of(message).series.count(reason);
    deadLetters.write(message, settings.group, reason, error, this.#aborted.signal).then(
      () => {
        this.#deadLetterCount += 1;
        this.#finished(message);
      },
      (cause: unknown) => log.debug('a dead letter was left to the next owner', { id: message.id, cause }),
    );
  }

  #finished(message: InHand): void {
    this.#done(message.sequence);
    const next = this.#lanes.leave(message.key);
    if (next) this.#begin(next);
  }

  #done(sequence: number): void {
    const moved = this.#window.end(sequence);
    if (moved === 0) return;
    this.#writer.moved(this.#window.checkpoint);
    this.#options.onCheckpoint(this.#window.checkpoint);
    this.#release(moved);
  }
}
