/**
 * Where clients send what concerns deliveries: requests for messages, acknowledgements and answers of the flow control.
 * On the path of every message, so they take the router's messages as they are and make strings of what they need only.
 *
 * What is sent to a consumer that does not exist is not taken, so that the sender learns that nobody answers.
 */
import { Message } from '../../routing/message.ts';
import type { Subscriber, Subscription } from '../../routing/subscription.ts';
import { ackArgument, ackKindOf } from './ack-body.ts';
import { createAckSubject, readAckSubject } from './ack-subject.ts';
import type { HostedConsumer } from './hosted-consumer.ts';

export type FindConsumer = (stream: string, consumer: string) => HostedConsumer | undefined;

abstract class Inbox implements Subscriber {
  readonly echo = false;
  protected readonly find: FindConsumer;
  readonly #now: () => number;

  constructor(find: FindConsumer, now: () => number) {
    this.find = find;
    this.#now = now;
  }

  deliver(_subscription: Subscription, message: Message): boolean {
    const consumer = this.consumerFor(message);
    if (consumer === undefined) return false;
    if (consumer.isRunning) this.#defer(message);
    else {
      this.take(consumer, message, this.#now());
      consumer.kick();
    }
    return true;
  }

  expired(): void {}

  protected abstract consumerFor(message: Message): HostedConsumer | undefined;

  /** Called right after `consumerFor`. */
  protected abstract take(consumer: HostedConsumer, message: Message, now: number): void;

  /** A subscriber within this process answered at once: the delivery has to be over before its answer counts. */
  #defer({ subject, reply, headerLength, bytes, start, end }: Message): void {
    const later = new Message();
    Object.assign(later, { subject, reply, headerLength, bytes, start, end });
    queueMicrotask(() => {
      const consumer = this.consumerFor(later);
      if (consumer === undefined) return;
      this.take(consumer, later, this.#now());
      consumer.kick();
    });
  }
}

/** `$JS.ACK.>` */
export class AckInbox extends Inbox {
  readonly #subject = createAckSubject();

  protected consumerFor(message: Message): HostedConsumer | undefined {
    const subject = this.#subject;
    if (!readAckSubject(message.subject, subject)) return undefined;
    return this.find(subject.stream, subject.consumer);
  }

  protected take(
    consumer: HostedConsumer,
    { bytes, start, end, headerLength, reply }: Message,
    now: number,
  ): void {
    const body = start + headerLength;
    const kind = ackKindOf(bytes, body, end);
    const argument = kind === 'nak' || kind === 'next' ? ackArgument(bytes, body, end) : '';
    consumer.machine.acknowledge(kind, argument, this.#subject, reply, now);
  }
}

const NEXT_PREFIX = '$JS.API.CONSUMER.MSG.NEXT.';

/** `$JS.API.CONSUMER.MSG.NEXT.*.*`: stream, consumer. */
export class NextInbox extends Inbox {
  protected consumerFor({ subject }: Message): HostedConsumer | undefined {
    const [stream = '', name = ''] = subject.slice(NEXT_PREFIX.length).split('.');
    return this.find(stream, name);
  }

  protected take(
    consumer: HostedConsumer,
    { bytes, start, end, headerLength, reply }: Message,
    now: number,
  ): void {
    if (reply !== '')
      consumer.machine.request(bytes.toString('latin1', start + headerLength, end), reply, now);
  }
}

/** `$JS.FC.>`: stream, consumer, something random. */
export class FlowControlInbox extends Inbox {
  protected consumerFor({ subject }: Message): HostedConsumer | undefined {
    const [, , stream = '', name = ''] = subject.split('.');
    return this.find(stream, name);
  }

  protected take(consumer: HostedConsumer, { subject }: Message): void {
    consumer.machine.flowControlled(subject);
  }
}
