/**
 * Where clients send what concerns deliveries: requests for messages, acknowledgements and answers of the flow control.
 * On the path of every message, so they take the router's messages as they are and make strings of what they need only.
 *
 * What is sent to a consumer that does not exist is not taken, so that the sender learns that nobody answers.
 */
import type { Message } from '../../routing/message.ts';
import type { Subscriber, Subscription } from '../../routing/subscription.ts';
import { ackArgument, ackKindOf } from './ack-body.ts';
import { createAckSubject, readAckSubject } from './ack-subject.ts';
import type { HostedConsumer } from './hosted-consumer.ts';

export type FindConsumer = (stream: string, consumer: string) => HostedConsumer | undefined;

abstract class Inbox implements Subscriber {
  readonly echo = false;
  protected readonly find: FindConsumer;
  protected readonly now: () => number;

  constructor(find: FindConsumer, now: () => number) {
    this.find = find;
    this.now = now;
  }

  abstract deliver(subscription: Subscription, message: Message): boolean;

  expired(): void {}
}

/** `$JS.ACK.>` */
export class AckInbox extends Inbox {
  readonly #subject = createAckSubject();

  deliver(_subscription: Subscription, message: Message): boolean {
    const subject = this.#subject;
    if (!readAckSubject(message.subject, subject)) return false;
    const consumer = this.find(subject.stream, subject.consumer);
    if (consumer === undefined) return false;
    const { bytes, end } = message;
    const start = message.start + message.headerLength;
    const kind = ackKindOf(bytes, start, end);
    const argument = kind === 'nak' || kind === 'next' ? ackArgument(bytes, start, end) : '';
    const { streamSequence, consumerSequence, deliveries } = subject;
    consumer.machine.acknowledge(
      kind,
      argument,
      streamSequence,
      consumerSequence,
      deliveries,
      message.reply,
      this.now(),
    );
    consumer.kick();
    return true;
  }
}

/** Tokens before the stream's name in `$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>`. */
const NEXT_PREFIX = '$JS.API.CONSUMER.MSG.NEXT.';

/** `$JS.API.CONSUMER.MSG.NEXT.*.*` */
export class NextInbox extends Inbox {
  deliver(_subscription: Subscription, message: Message): boolean {
    const [stream = '', name = ''] = message.subject.slice(NEXT_PREFIX.length).split('.');
    const consumer = this.find(stream, name);
    if (consumer === undefined) return false;
    if (message.reply === '') return true;
    const { bytes, end } = message;
    const body = bytes.toString('latin1', message.start + message.headerLength, end);
    consumer.machine.request(body, message.reply, this.now());
    consumer.kick();
    return true;
  }
}

/** `$JS.FC.>`: `$JS.FC.<stream>.<consumer>.<random>` */
export class FlowControlInbox extends Inbox {
  deliver(_subscription: Subscription, message: Message): boolean {
    const [, , stream = '', name = ''] = message.subject.split('.');
    const consumer = this.find(stream, name);
    if (consumer === undefined) return false;
    consumer.machine.flowControlled(message.subject);
    consumer.kick();
    return true;
  }
}
