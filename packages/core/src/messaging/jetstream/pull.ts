/**
 * Pulls the messages of one consumer: keeps requests open for as many as there is room for, and no more (ADR-37 of NATS).
 *
 * Hot path: a callback for each message, no promise.
 */
import { createInbox, type Msg, type Subscription } from '@nats-io/nats-core';
import { headersOf, statusOf } from '../headers.ts';
import { nanosecondsPerMs } from './api.ts';
import type { BrokerLink } from './broker-link.ts';
import { type Delivery, readDelivery } from './delivery.ts';

export interface PullOptions {
  readonly link: BrokerLink;
  readonly stream: string;
  readonly consumer: string;
  /** Messages that may have been asked for and not released. */
  readonly capacity: number;
  /** Messages that were pulled before and are not released yet. */
  readonly unreleased?: number;
  readonly onMessage: (message: Msg, delivery: Delivery) => void;
  /** The consumer does not answer any more: it is gone, has another leader, or the server is silent. */
  readonly onGone: (status: number) => void;
}

const expiresMs = 30_000;
const heartbeatMs = 5_000;
/** Longer silence than this while something was asked for means that nobody answers. */
const silenceMs = 2 * heartbeatMs + 2_000;

/** Status codes of a pull request. */
const heartbeat = 100;
const noMessages = 404;
const expired = 408;

const request = { expires: expiresMs * nanosecondsPerMs, idle_heartbeat: heartbeatMs * nanosecondsPerMs };

export class Pull {
  readonly #options: PullOptions;
  readonly #subject: string;
  readonly #inbox = createInbox();
  readonly #subscription: Subscription;
  #look: NodeJS.Timeout | undefined;
  #asked = 0;
  #unreleased: number;
  #heardAt = performance.now();
  #isClosed = false;

  constructor(options: PullOptions) {
    const { link, stream, consumer, unreleased = 0 } = options;
    this.#options = options;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.#unreleased = unreleased;
    this.#subscription = link.connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (!error) this.#received(message);
      },
    });
    this.#ask();
    this.#watch();
  }

  get unreleased(): number {
    return this.#unreleased;
  }

  /** So many messages are done with: as many more may come. */
  release(count: number): void {
    this.#unreleased -= count;
    this.#ask();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#look);
    if (!this.#options.link.isClosed) this.#subscription.unsubscribe();
  }

  #ask(): void {
    const { link, capacity } = this.#options;
    const room = capacity - this.#asked - this.#unreleased;
    // A few large requests instead of many small ones.
    if (this.#isClosed || room <= 0 || (room < capacity / 2 && this.#asked > 0) || !link.isUp) return;
    if (this.#asked === 0) this.#heardAt = performance.now();
    this.#asked += room;
    link.connection.publish(this.#subject, JSON.stringify({ batch: room, ...request }), {
      reply: this.#inbox,
    });
  }

  #received(message: Msg): void {
    this.#heardAt = performance.now();
    const delivery = message.reply ? readDelivery(message.reply) : undefined;
    if (delivery === undefined) {
      this.#status(message);
      return;
    }
    this.#asked -= 1;
    this.#unreleased += 1;
    this.#options.onMessage(message, delivery);
  }

  #status(message: Msg): void {
    const status = statusOf(message);
    if (status === heartbeat || status === 0) return;
    if (status === noMessages || status === expired) {
      const left = Number(headersOf(message).get('Nats-Pending-Messages') ?? this.#asked);
      this.#asked = Math.max(0, this.#asked - left);
      this.#ask();
    } else this.#gone(status);
  }

  /** Looks when the silence could be too long, and no sooner. */
  #watch(): void {
    const silentMs = this.#asked > 0 ? performance.now() - this.#heardAt : 0;
    if (silentMs >= silenceMs) this.#gone(0);
    else this.#look = setTimeout(() => this.#watch(), Math.ceil(silenceMs - silentMs)).unref();
  }

  #gone(status: number): void {
    this.close();
    this.#options.onGone(status);
  }
}
