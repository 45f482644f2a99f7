/** One subscription and the one who holds it: a client connection or an in-process client. */
import type { Message } from './message.ts';

/** What waits to be taken by a subscriber that is not as fast as its publishers. */
export interface Backlog {
  /** Whether so much waits that a message which can wait elsewhere should. */
  readonly saturated: boolean;
  /** Calls `listener` once: when there is room again, or when the subscriber is gone. */
  whenRelieved(listener: () => void): void;
}

export interface Subscriber {
  /** Whether it wants messages that it published itself. */
  readonly echo: boolean;
  /** Undefined for one that takes every message at once. */
  readonly backlog?: Backlog;
  /** Takes one message. False when it cannot take any, so that another member of the queue group gets it. */
  deliver(subscription: Subscription, message: Message): boolean;
  /** The router has removed a subscription that reached its maximum. */
  expired(subscription: Subscription): void;
}

export class Subscription {
  readonly subscriber: Subscriber;
  /** Subject pattern, as wire text. */
  readonly subject: string;
  /** Queue group; empty for a plain subscription. */
  readonly queue: string;
  readonly sid: string;
  /** Messages after which it ends; 0 for never. */
  max = 0;
  delivered = 0;
  closed = false;
  /** Where the subscription list keeps it. */
  slot = -1;

  constructor(subscriber: Subscriber, subject: string, queue: string, sid: string) {
    this.subscriber = subscriber;
    this.subject = subject;
    this.queue = queue;
    this.sid = sid;
  }
}
