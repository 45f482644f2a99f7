/**
 * Pulls from a consumer for ever: it is found or made when there is a connection, and again whenever it fell silent. Both kinds of
 * consumers stand on it: those that many share (`durable-consumer.ts`), and those of one reader (`stream-reader.ts`).
 */
import type { Msg } from '@nats-io/nats-core';
import type { BrokerLink } from './broker-link.ts';
import type { Delivery } from './delivery.ts';
import { Pull } from './pull.ts';

export interface StandingPullOptions {
  readonly link: BrokerLink;
  readonly stream: string;
  /** Messages that may have been asked for and not released. */
  readonly capacity: number;
  /** Finds or makes the consumer, and gives its name. Undefined: there is nothing to pull from. */
  readonly ensure: () => Promise<string | undefined>;
  /** Nothing is pulled from this consumer any more. */
  readonly onAbandoned?: (consumer: string) => void;
  readonly onMessage: (message: Msg, delivery: Delivery) => void;
  /** There is no consumer, for the first time since there was one. It is tried again. */
  readonly onFailure: (error: unknown) => void;
}

const firstRetryMs = 50;
const mostRetryMs = 5_000;

export class StandingPull {
  readonly #options: StandingPullOptions;
  readonly #stopListening: () => void;
  #consumer: string | undefined;
  #pull: Pull | undefined;
  /** While nothing is pulled. */
  #unreleased = 0;
  #isStarting = false;
  #isStopped = false;
  #retries = 0;
  #retry: NodeJS.Timeout | undefined;

  /** Begins at once. */
  constructor(options: StandingPullOptions) {
    this.#options = options;
    this.#stopListening = options.link.listen({
      lost: () => this.#abandon(),
      back: () => this.restart(),
      closed: () => this.stop(),
    });
    this.restart();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** So many messages are done with: as many more may come. */
  release(count: number): void {
    if (this.#pull) this.#pull.release(count);
    else this.#unreleased -= count;
  }

  /** Leaves the consumer at hand, and finds or makes another. */
  restart(): void {
    this.#abandon();
    if (this.#isStopped || this.#isStarting || !this.#options.link.isUp) return;
    this.#isStarting = true;
    this.#options.ensure().then(
      (consumer) => {
        this.#isStarting = false;
        this.#retries = 0;
        if (consumer !== undefined) this.#begin(consumer);
      },
      (error: unknown) => {
        this.#isStarting = false;
        this.#later(error);
      },
    );
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stopListening();
    this.#abandon();
  }

  #begin(consumer: string): void {
    const { link, stream, capacity, onMessage, onAbandoned } = this.#options;
    if (this.#isStopped || !link.isUp) {
      onAbandoned?.(consumer);
      return;
    }
    this.#consumer = consumer;
    this.#pull = new Pull({
      ...{ link, stream, consumer, capacity, unreleased: this.#unreleased, onMessage },
      onGone: () => this.restart(),
    });
  }

  #abandon(): void {
    clearTimeout(this.#retry);
    if (this.#pull) this.#unreleased = this.#pull.unreleased;
    this.#pull?.close();
    this.#pull = undefined;
    if (this.#consumer !== undefined) this.#options.onAbandoned?.(this.#consumer);
    this.#consumer = undefined;
  }

  #later(error: unknown): void {
    if (this.#isStopped) return;
    if (this.#retries === 0) this.#options.onFailure(error);
    const wait = Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(10, this.#retries++));
    this.#retry = setTimeout(() => this.restart(), wait).unref();
  }
}
