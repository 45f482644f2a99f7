/**
 * A client inside the broker's own process: the place where services of the broker itself (an API subject, the
 * capture of a stream) attach. It has the same rights and the same routing as a connection, without a socket.
 *
 * Gotchas: a handler runs synchronously within the publish that it sees, before the next byte of that publisher is
 * read, so it must be quick; it may subscribe, unsubscribe and publish. Buffers handed to it are slices of immutable
 * memory and may be kept, though a slice keeps its whole chunk of up to 64 KiB alive.
 */
import { fromWireText, toWireText } from '../protocol/wire-text.ts';
import { Message } from './message.ts';
import type { Router } from './router.ts';
import type { Subscriber, Subscription } from './subscription.ts';

/** `reply` is empty and `headers` undefined when the message has none. */
export type LocalHandler = (
  subject: string,
  reply: string,
  headers: Buffer | undefined,
  body: Buffer,
) => void;

export interface LocalSubscribeOptions {
  /** Member of this queue group instead of a plain subscription. */
  readonly queue?: string;
  /** Ends by itself after this many messages. */
  readonly max?: number;
}

export interface LocalPublishOptions {
  readonly reply?: string;
  /** A complete header block, from `NATS/1.0` to the empty line. */
  readonly headers?: Buffer;
  /** Whose subscribers get it, when that is not the message's own subject. */
  readonly to?: string;
}

export class LocalClient implements Subscriber {
  readonly echo = false;
  readonly #router: Router;
  readonly #failed: (error: unknown, subject: string) => void;
  readonly #handlers = new Map<Subscription, LocalHandler>();
  #nextSid = 1;

  /** @param failed told about errors that handlers throw; they never reach the publisher. */
  constructor(router: Router, failed: (error: unknown, subject: string) => void) {
    this.#router = router;
    this.#failed = failed;
  }

  /** The subject must be valid for SUB. Returns what ends the subscription. */
  subscribe(subject: string, handler: LocalHandler, options: LocalSubscribeOptions = {}): () => void {
    const subscription = this.#router.subscribe(
      this,
      toWireText(subject),
      toWireText(options.queue ?? ''),
      String(this.#nextSid++),
    );
    this.#handlers.set(subscription, handler);
    if (options.max !== undefined) this.#router.limit(subscription, options.max);
    return () => {
      this.#handlers.delete(subscription);
      this.#router.unsubscribe(subscription);
    };
  }

  /** Returns how many subscriptions took it; 0 means that there is no responder. */
  publish(subject: string, body: Buffer, options: LocalPublishOptions = {}): number {
    const wire = toWireText(subject);
    const message = Message.of(wire, toWireText(options.reply ?? ''), options.headers, body);
    return this.#router.publish(this, message, options.to === undefined ? wire : toWireText(options.to));
  }

  hasInterest(subject: string): boolean {
    return this.#router.hasInterest(toWireText(subject));
  }

  deliver(subscription: Subscription, message: Message): boolean {
    const handler = this.#handlers.get(subscription);
    if (handler === undefined) return false;
    const subject = fromWireText(message.subject);
    try {
      handler(subject, fromWireText(message.reply), message.headers(), message.body());
    } catch (error) {
      this.#failed(error, subject);
    }
    return true;
  }

  expired(subscription: Subscription): void {
    this.#handlers.delete(subscription);
  }
}
