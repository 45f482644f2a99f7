/** A consumer on a naive stream with a clock that the test turns, and inboxes that write down what they get. */
import type { StoredMessage } from '../stream/stored-message.ts';
import { type AckKind, ackArgument, ackKindOf } from './ack-body.ts';
import { createAckSubject, readAckSubject } from './ack-subject.ts';
import { Consumer } from './consumer.ts';
import { readConsumerConfig, withDefaults } from './consumer-config.ts';
import { filterOf } from './consumer-filter.ts';
import type { ConsumerEvent, ConsumerOutput, Delivery } from './consumer-output.ts';
import { Cursor } from './cursor.ts';
import { NaiveStream } from './naive-stream.ts';
import { startOf } from './start.ts';

export interface Got {
  readonly inbox: string;
  readonly sequence: number;
  /** Where the acknowledgement goes. */
  readonly reply: string;
  readonly deliveries: number;
  readonly consumerSequence: number;
  readonly pending: number;
  readonly message: StoredMessage;
}

export class Bench implements ConsumerOutput {
  readonly stream: NaiveStream;
  readonly consumer: Consumer;
  readonly got: Got[] = [];
  /** `<inbox>: <status line>` and, for those with an answer wanted, its subject. */
  readonly statuses: string[] = [];
  readonly confirmed: string[] = [];
  readonly events: ConsumerEvent[] = [];
  readonly deaf = new Set<string>();
  readonly saturated = new Set<string>();
  isUnused = false;
  changes = 0;
  now = 1_000_000;

  constructor(config: Readonly<Record<string, unknown>> = {}, stream = new NaiveStream()) {
    this.stream = stream;
    const complete = withDefaults(readConsumerConfig({ ack_policy: 'explicit', ...config }));
    const filter = filterOf(complete, stream);
    this.consumer = new Consumer(
      complete,
      { name: 'c', createdUs: 0, jitter: 0, random: () => 0.5, burst: 1_000 },
      {
        cursor: new Cursor(stream, filter, startOf(complete, stream, filter)),
        delivered: 0,
        floor: { consumer: 0, stream: 0 },
      },
      stream,
      this,
      this.now,
    );
  }

  /** Messages with these subjects, one after the other. */
  append(...subjects: readonly string[]): this {
    for (const subject of subjects) {
      const sequence = this.stream.append(subject);
      const { cursor } = this.consumer;
      cursor.appended(sequence, sequence, cursor.filter?.matches(subject) === false ? 0 : 1);
    }
    return this.run();
  }

  remove(sequence: number): this {
    const subject = this.stream.load(sequence)!.subject;
    this.stream.remove(sequence);
    this.consumer.removed(sequence, subject);
    return this.run();
  }

  pull(body: string | Readonly<Record<string, unknown>> = '', inbox = 'in'): this {
    this.consumer.request(typeof body === 'string' ? body : JSON.stringify(body), inbox, this.now);
    return this.run();
  }

  /** @param index which of the deliveries so far; -1 for the last. */
  ack(index: number, body = '', reply = ''): this {
    const subject = createAckSubject();
    readAckSubject(this.got.at(index)!.reply, subject);
    const bytes = Buffer.from(body);
    const kind: AckKind = ackKindOf(bytes, 0, bytes.length);
    const argument = kind === 'nak' || kind === 'next' ? ackArgument(bytes, 0, bytes.length) : '';
    this.consumer.acknowledge(kind, argument, subject, reply, this.now);
    return this.run();
  }

  /** Turns the clock, from deadline to deadline. */
  pass(ms: number): this {
    const until = this.now + ms;
    while (this.consumer.deadline <= until && !this.isUnused) {
      this.now = Math.max(this.now, this.consumer.deadline);
      this.consumer.tick(this.now);
      this.run();
    }
    this.now = until;
    return this;
  }

  run(): this {
    while (this.consumer.run(this.now, 3));
    return this;
  }

  /** Sequences in the order of delivery, and forgets them. */
  take(): number[] {
    return this.got.splice(0).map(({ sequence }) => sequence);
  }

  takeStatuses(): string[] {
    return this.statuses.splice(0);
  }

  deliver(inbox: string, message: StoredMessage, reply: string): Delivery {
    if (this.deaf.has(inbox)) return 'nobody';
    if (this.saturated.has(inbox)) return 'saturated';
    const subject = createAckSubject();
    readAckSubject(reply, subject);
    const { deliveries, consumerSequence } = subject;
    const pending = Number(reply.split('.').at(-1));
    this.got.push({
      inbox,
      sequence: message.sequence,
      reply,
      deliveries,
      consumerSequence,
      pending,
      message,
    });
    return 'taken';
  }

  status(inbox: string, head: string, reply: string): void {
    const [line = '', ...headers] = head.split('\r\n').filter((part) => part !== '');
    const details = headers.length > 0 ? ` (${headers.join(', ')})` : '';
    this.statuses.push(`${inbox}: ${line.slice('NATS/1.0 '.length)}${details}${reply && ` ${reply}`}`);
  }

  hasInterest(inbox: string): boolean {
    return !this.deaf.has(inbox);
  }

  confirm(reply: string): void {
    this.confirmed.push(reply);
  }

  event(event: ConsumerEvent): void {
    this.events.push(event);
  }

  released(sequence: number): void {
    this.stream.released(sequence);
  }

  changed(): void {
    this.changes++;
  }

  unused(): void {
    this.isUnused = true;
  }
}
