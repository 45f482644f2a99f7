/**
 * A consumer among the others of a broker: carries what its machine causes to the router, to its stream and to the
 * store, and keeps it going.
 */
import { toWireText } from '../../protocol/wire-text.ts';
import { Message } from '../../routing/message.ts';
import { type Router, SATURATED } from '../../routing/router.ts';
import type { Subscriber } from '../../routing/subscription.ts';
import type { Log } from '../../server/log.ts';
import type { ConsumerRows } from '../store/consumer-rows.ts';
import { DamagedRecord } from '../store/damaged-record.ts';
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import type { SubjectFilter } from '../stream/subject-filter.ts';
import type { Announcer } from './announcer.ts';
import type { Confirmations } from './confirmations.ts';
import type { Consumer } from './consumer.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import type { ConsumerEvent, ConsumerOutput, Delivery } from './consumer-output.ts';
import type { ProgressWriter } from './progress-writer.ts';
import type { Runnable, RunQueue } from './run-queue.ts';

/** What all consumers of a broker share. */
export interface ConsumerHost {
  readonly router: Router;
  readonly log: Log;
  /** A stored message could not be read. */
  damaged(error: DamagedRecord): void;
  readonly queue: RunQueue;
  readonly progress: ProgressWriter;
  readonly confirmations: Confirmations;
  readonly announcer: Announcer;
  /** In whose name messages are delivered. */
  readonly origin: Subscriber;
  /** Filled again for each delivery. */
  readonly message: Message;
}

const NO_BODY = Buffer.alloc(0);

export class HostedConsumer implements ConsumerOutput, Runnable {
  readonly machine: Consumer;
  /** It delivers at this moment: nothing may be put into the machine. */
  isRunning = false;
  readonly #host: ConsumerHost;
  readonly #stream: ConsumerStream;
  readonly #streamName: string;
  /** Undefined for one that is not kept over a restart. */
  readonly #rows: ConsumerRows | undefined;
  readonly #relieved: () => void;
  readonly #unused: (consumer: HostedConsumer) => void;
  #unwatch: (() => void) | undefined;
  /** It ran into a damaged record, and stands still until something vanishes from the stream. */
  #halted = false;

  /**
   * @param build makes the machine on this output.
   * @param unused told when the consumer is to be deleted because nobody uses it.
   */
  constructor(
    host: ConsumerHost,
    stream: ConsumerStream,
    rows: ConsumerRows | undefined,
    build: (output: ConsumerOutput) => Consumer,
    unused: (consumer: HostedConsumer) => void,
  ) {
    this.#host = host;
    this.#stream = stream;
    this.#streamName = toWireText(stream.name);
    this.#rows = rows;
    this.#unused = unused;
    this.#relieved = () => host.queue.kick(this);
    this.machine = build(this);
    host.queue.add(this);
    this.#watch();
  }

  get deadline(): number {
    return this.machine.deadline;
  }

  get isKept(): boolean {
    return this.#rows !== undefined;
  }

  /** Something was put into the machine: it runs soon. */
  kick(): void {
    this.#host.queue.kick(this);
  }

  tick(now: number): void {
    this.machine.tick(now);
  }

  run(now: number, budget: number): boolean {
    if (this.#halted) return false;
    this.isRunning = true;
    try {
      // Every delivery says how many come behind it.
      if (this.machine.isWanted && !this.machine.cursor.countSome()) return true;
      return this.machine.run(now, budget);
    } catch (error) {
      this.#halted = true;
      if (error instanceof DamagedRecord) this.#host.damaged(error);
      this.#host.log('error', 'consumer stopped: it cannot read its next message', {
        stream: this.#stream.name,
        consumer: this.machine.name,
        error,
      });
      return false;
    } finally {
      this.isRunning = false;
    }
  }

  /** A message has vanished from the stream: perhaps the one that it stumbled over, or one that kept it waiting. */
  removed(sequence: number, subject: string): void {
    if (!this.machine.removed(sequence, subject) && !this.#halted) return;
    this.#halted = false;
    this.kick();
  }

  /** Many messages have vanished; see `Consumer`. */
  purged(upTo: number, filter: SubjectFilter | undefined): void {
    this.machine.purged(upTo, filter);
    this.#halted = false;
    this.kick();
  }

  configure(config: ConsumerConfig): void {
    const old = this.machine.config;
    this.machine.configure(config, this.#host.queue.now());
    if (old.deliver_subject !== config.deliver_subject || old.deliver_group !== config.deliver_group) {
      this.#watch();
    }
    this.kick();
  }

  /** Ends everything that it does. @param told whether those who wait for messages are told. */
  end(told: boolean): void {
    if (told) this.machine.end();
    this.#unwatch?.();
    this.#host.queue.remove(this);
    this.#host.progress.forget(this);
  }

  deliver(inbox: string, stored: StoredMessage, reply: string): Delivery {
    const { message, router, origin } = this.#host;
    message.subject = stored.subject;
    message.reply = reply;
    message.headerLength = stored.headerLength;
    message.bytes = stored.payload;
    message.start = 0;
    message.end = stored.payload.length;
    const taken = router.publishPatiently(origin, message, inbox, this.#relieved);
    return taken > 0 ? 'taken' : taken === SATURATED ? 'saturated' : 'nobody';
  }

  status(inbox: string, head: string, reply: string): void {
    const message = Message.of(inbox, reply, Buffer.from(head, 'latin1'), NO_BODY);
    this.#host.router.publish(this.#host.origin, message);
  }

  hasInterest(inbox: string): boolean {
    return this.#host.router.hasInterest(inbox);
  }

  confirm(reply: string): void {
    this.#host.confirmations.add(this, reply);
  }

  event(event: ConsumerEvent): void {
    this.#host.announcer.event(this.#streamName, this.machine.name, event);
  }

  released(sequence: number): void {
    if (this.#stream.config.retention !== 'limits') this.#stream.released(sequence);
  }

  changed(): void {
    if (this.#rows !== undefined) this.#host.progress.changed(this);
  }

  unused(): void {
    this.#unused(this);
  }

  writeProgress(): void {
    const rows = this.#rows;
    if (rows === undefined) return;
    const { name, delivered, ledger } = this.machine;
    const gone: number[] = [];
    ledger.changes(
      (streamSequence, consumerSequence, time, deliveries) =>
        rows.savePending(name, {
          streamSequence,
          consumerSequence,
          timeMs: Math.round(time),
          deliveries,
        }),
      (streamSequence) => gone.push(streamSequence),
    );
    // Acknowledged in order, as most are: one statement instead of one for each.
    const below = ledger.clearBelow(delivered);
    if (gone.some((sequence) => sequence < below)) rows.deletePendingUpTo(name, below - 1);
    for (const sequence of gone) if (sequence >= below) rows.deletePending(name, sequence);
    rows.saveProgress(name, {
      deliveredConsumer: delivered.consumer,
      deliveredStream: delivered.stream,
      ackFloorConsumer: ledger.floor.consumer,
      ackFloorStream: ledger.floor.stream,
    });
  }

  #watch(): void {
    this.#unwatch?.();
    const { deliver_subject, deliver_group } = this.machine.config;
    if (deliver_subject === '') return;
    this.#unwatch = this.#host.router.watch(deliver_subject, deliver_group, (bound) => {
      this.machine.bind(bound, this.#host.queue.now());
      this.kick();
    });
  }
}
