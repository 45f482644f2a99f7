/**
 * Handles the messages of a durable consumer as one of those who compete for them: as many at a time as there are places, in no
 * order. The broker keeps who has which message; a message in hand is kept alive, acknowledged when it is done, and given back
 * with an explicit wait when it failed.
 *
 * Used for `work`, and for what is given back to a group from its dead letters.
 */
import type { Msg } from '@nats-io/nats-core';
import { platformError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import { type JetStreamApi, nanosecondsPerMs } from '../jetstream/api.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import { DurableConsumer, type DurableConsumerConfig } from '../jetstream/durable-consumer.ts';
import type { EventHandler, GroupSettings } from '../subscription.ts';
import type { DeadLetterReason } from '../topology.ts';
import { Attempt, type AttemptEnvironment } from './attempt.ts';
import type { AttemptBook } from './attempt-book.ts';
import type { DeadLetters } from './dead-letter.ts';
import type { Failures } from './failures.ts';
import type { HandlingOutcome } from './handling-metrics.ts';
import { InProgressSchedule } from './in-progress-schedule.ts';
import { AlreadyHandled, type InboxGate } from './inbox-gate.ts';
import { eventOfSubject, InHand } from './message.ts';
import type { PartitionCounts } from './partition-run.ts';
import { type AttemptNote, judge, killer } from './suspicion.ts';

export interface WorkQueueOptions {
  readonly api: JetStreamApi;
  readonly link: BrokerLink;
  readonly stream: string;
  /** Makes the stream, where it was removed. */
  readonly remake: () => Promise<unknown>;
  readonly consumer: DurableConsumerConfig;
  readonly partitionOf: (raw: Msg) => number;
  readonly handlers: ReadonlyMap<string, EventHandler>;
  readonly settings: GroupSettings;
  readonly environment: AttemptEnvironment;
  readonly gate: InboxGate;
  readonly book: AttemptBook;
  /** A message that is not acknowledged for so long goes to another. */
  readonly ackWaitMs: number;
  readonly failures: Failures;
  readonly deadLetters: DeadLetters;
  readonly log: Logger;
}

/** A message in hand, with the subject that acknowledges its latest delivery. */
interface Job {
  readonly message: InHand;
  /** The number of that delivery. */
  readonly deliveries: number;
  reply: string;
  attempt: Attempt | undefined;
  isEnded: boolean;
  /** It may have killed its process: it is handled by itself. */
  isSuspect: boolean;
  crashes: number;
}

const tickMs = 100;
/** Before a message of which something is not known is given to another. */
const unknownMs = 1_000;
const mostRemembered = 10_000;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #consumer: DurableConsumer;
  readonly #jobs = new Map<number, Job>();
  readonly #waiting: Job[] = [];
  /** Those that have to be handled by themselves, the one being handled first. */
  readonly #suspects: Job[] = [];
  /** Deliveries that failed here, by sequence: no note of them has to be asked for. */
  readonly #failedHere = new Map<number, AttemptNote>();
  readonly #alive: InProgressSchedule<Job>;
  /** Runs while something is in hand: a queue that waits for work wakes nobody. */
  #ticker: NodeJS.Timeout | undefined;
  readonly #stopListening: () => void;
  readonly #aborted = new AbortController();
  /** What the broker has not been told yet, because it was away. */
  #unsent: { readonly reply: string; readonly text: string }[] = [];
  #running = 0;
  #pending = 0;
  #retries = 0;
  #deadLetterCount = 0;
  #isStopping = false;
  #onQuiet: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    const { api, link, stream, remake, consumer, settings, ackWaitMs, log } = options;
    this.#alive = new InProgressSchedule(ackWaitMs);
    this.#options = options;
    this.#stopListening = link.listen({ back: () => this.#sendUnsent() });
    this.#consumer = new DurableConsumer({
      ...{ api, link, stream, remake, log, config: consumer, ackWaitMs },
      // As many again as are handled, so that a free place does not wait for the broker.
      capacity: settings.concurrency * 2,
      onMessage: (message, delivery) => this.#received(message, delivery),
    });
  }

  get counts(): PartitionCounts {
    const oldest = Math.min(...[...this.#jobs.values()].map(({ message }) => message.storedMs));
    return {
      lag: this.#pending + this.#jobs.size,
      oldestMs: this.#jobs.size === 0 ? 0 : Math.max(0, Date.now() - oldest),
      inFlight: this.#jobs.size,
      retries: this.#retries,
      deadLetters: this.#deadLetterCount,
    };
  }

  /** Gives back what nobody has begun, and finishes the rest for at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#consumer.stop();
    this.#waiting.length = 0;
    for (const job of this.#jobs.values()) if (!job.attempt) this.#giveBack(job, 0);
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onQuiet = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const job of this.#jobs.values()) this.#giveBack(job, 0);
    this.kill();
  }

  kill(): void {
    this.#isStopping = true;
    this.#consumer.stop();
    clearInterval(this.#ticker);
    this.#stopListening();
    const reason = platformError('unavailable', 'the service is stopping');
    this.#aborted.abort(reason);
    for (const { attempt } of this.#jobs.values()) attempt?.abort(reason);
  }

  #tick(): void {
    for (const job of this.#alive.due(performance.now())) this.#tell(job.reply, '+WPI');
    if (this.#alive.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #received(raw: Msg, delivery: Delivery): void {
    const { handlers, stream, partitionOf } = this.#options;
    this.#pending = delivery.pending;
    const reply = raw.reply!;
    const known = this.#jobs.get(delivery.sequence);
    if (known) {
      // Delivered again although it is in hand: the acknowledgement of this delivery counts.
      known.reply = reply;
      this.#alive.taken(known, performance.now());
      this.#consumer.release(1);
      return;
    }
    const handler = handlers.get(eventOfSubject(raw.subject));
    if (!handler) {
      // A newer version of this service asked for it; it is left to an instance of that.
      this.#tell(reply, `-NAK {"delay":${unknownMs * nanosecondsPerMs}}`);
      this.#consumer.release(1);
      return;
    }
    const message = new InHand(raw, handler, stream, partitionOf(raw), delivery);
    // Deliveries count attempts: one that ended the process is counted, too.
    message.attempt = delivery.deliveries - 1;
    message.firstAttemptMs = message.attempt === 0 ? Date.now() : message.storedMs;
    const { deliveries } = delivery;
    const job: Job = {
      ...{ message, deliveries, reply, attempt: undefined, isEnded: false, isSuspect: false, crashes: 0 },
    };
    this.#jobs.set(delivery.sequence, job);
    this.#alive.taken(job, performance.now());
    if (!this.#isStopping) this.#ticker ??= setInterval(() => this.#tick(), tickMs).unref();
    if (deliveries === 1) this.#admit(job);
    else this.#consider(job);
  }

  /** Delivered before: how did that end? */
  #consider(job: Job): void {
    const { sequence } = job.message;
    const here = this.#failedHere.get(sequence);
    this.#failedHere.delete(sequence);
    if (here && judge(job.deliveries, here) === 'innocent') {
      job.crashes = here.crashes;
      this.#admit(job);
      return;
    }
    this.#options.book.read(sequence).then(
      (note) => {
        if (job.isEnded || this.#isStopping) return;
        job.crashes = note?.crashes ?? 0;
        const verdict = judge(job.deliveries, note);
        if (verdict === 'innocent') this.#admit(job);
        else if (verdict === 'guilty' && this.#options.settings.exhausted === 'dead-letter') {
          this.#bury(job, 'crashed', killer(job.message.type));
        } else this.#suspect(job);
      },
      (error: unknown) => {
        this.#options.log.warn('what is known of a message cannot be read', { id: job.message.id, error });
        this.#giveBack(job, unknownMs);
      },
    );
  }

  #suspect(job: Job): void {
    job.isSuspect = true;
    this.#suspects.push(job);
    if (this.#suspects.length === 1) this.#trySuspect();
  }

  /** The note comes first: if the process dies now, it is known why. */
  #trySuspect(): void {
    const [job] = this.#suspects;
    if (!job || this.#isStopping) return;
    job.crashes += 1;
    const { message, crashes } = job;
    this.#options.book.write(message.sequence, { failed: 0, crashes }).then(
      () => this.#admit(job),
      (error: unknown) => {
        // Work goes on without notes: a killer among it is found out later.
        this.#options.log.warn('a suspected message cannot be noted', { id: message.id, error });
        this.#admit(job);
      },
    );
  }

  #admit(job: Job): void {
    if (job.isEnded || this.#isStopping) return;
    if (this.#running < this.#options.settings.concurrency) this.#run(job);
    else this.#waiting.push(job);
  }

  #run(job: Job): void {
    const { gate, environment } = this.#options;
    const { message } = job;
    if (gate.isHandled(message)) {
      this.#finish(job, 'skipped');
      this.#next();
      return;
    }
    this.#running += 1;
    message.attempt += 1;
    job.attempt = new Attempt(environment, message);
    job.attempt.run((error, { hasMark }) => {
      this.#running -= 1;
      if (!job.isEnded) {
        if (error === undefined) this.#finish(job, 'ok');
        // Once its transaction has committed a message is handled, whatever the handler did afterwards.
        else if (error instanceof AlreadyHandled || hasMark) this.#finish(job, 'skipped');
        else this.#failed(job, error);
      }
      this.#next();
    });
  }

  #next(): void {
    if (!this.#isStopping && this.#running < this.#options.settings.concurrency) {
      const job = this.#waiting.shift();
      if (job) this.#run(job);
    }
    if (this.#running === 0) this.#onQuiet?.();
  }

  #failed(job: Job, error: unknown): void {
    const { failures, environment } = this.#options;
    const next = failures.decide(job.message, error);
    if (next.kind === 'dead-letter') {
      this.#bury(job, next.reason, error);
      return;
    }
    environment.of(job.message).series.count('retry');
    this.#retries += 1;
    this.#note(job);
    this.#giveBack(job, next.delayMs);
  }

  /** Whoever gets it next knows that it failed, and did not kill. Sent before it is given back. */
  #note({ message, deliveries, crashes, isSuspect }: Job): void {
    const { book, log } = this.#options;
    // It failed, and the process lives: this time it was not the killer.
    const note = { failed: deliveries, crashes: isSuspect ? crashes - 1 : crashes };
    this.#failedHere.set(message.sequence, note);
    if (this.#failedHere.size > mostRemembered) {
      const [oldest] = this.#failedHere.keys();
      this.#failedHere.delete(oldest!);
    }
    book.write(message.sequence, note).catch((error: unknown) => {
      log.debug('a failed attempt was not noted: its message will be handled by itself', {
        id: message.id,
        error,
      });
    });
  }

  /** The dead letter is stored before the broker is told that the message is done with. */
  #bury(job: Job, reason: DeadLetterReason, error: unknown): void {
    const { deadLetters, settings, environment, log } = this.#options;
    const { message } = job;
    environment.of(message).series.count(reason);
    deadLetters.write(message, settings.group, reason, error, this.#aborted.signal).then(
      () => {
        this.#deadLetterCount += 1;
        this.#end(job, '+TERM');
      },
      (cause: unknown) => log.debug('a dead letter was left to another member', { id: message.id, cause }),
    );
  }

  #finish(job: Job, outcome: HandlingOutcome): void {
    this.#options.environment.of(job.message).series.count(outcome);
    this.#end(job, '+ACK');
  }

  /** Never without saying when: the server would deliver it again at once, again and again. */
  #giveBack(job: Job, delayMs: number): void {
    this.#end(job, `-NAK {"delay":${Math.max(1, Math.round(delayMs * nanosecondsPerMs))}}`);
  }

  #end(job: Job, text: string): void {
    if (job.isEnded) return;
    job.isEnded = true;
    if (job.isSuspect) this.#cleared(job);
    this.#alive.ended(job);
    this.#jobs.delete(job.message.sequence);
    this.#tell(job.reply, text);
    this.#consumer.release(1);
  }

  #cleared(job: Job): void {
    const at = this.#suspects.indexOf(job);
    if (at >= 0) this.#suspects.splice(at, 1);
    if (at === 0) this.#trySuspect();
  }

  #tell(reply: string, text: string): void {
    const { link } = this.#options;
    if (link.isUp) link.connection.publish(reply, text);
    else if (text !== '+WPI') this.#unsent.push({ reply, text });
  }

  #sendUnsent(): void {
    for (const { reply, text } of this.#unsent.splice(0)) this.#tell(reply, text);
  }
}
