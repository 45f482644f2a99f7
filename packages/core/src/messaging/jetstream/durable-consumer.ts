/**
 * Pulls from a durable consumer that several processes share: made where it is missing, asked again whenever it fell silent, for
 * ever.
 */
import type { Msg } from '@nats-io/nats-core';
import type { Logger } from '../../telemetry/log.ts';
import { type ConsumerConfig, type JetStreamApi, nanosecondsPerMs } from './api.ts';
import { errorNumber, numberOf } from './api-error.ts';
import type { BrokerLink } from './broker-link.ts';
import type { Delivery } from './delivery.ts';
import { Pull } from './pull.ts';

/** What its first user decides. */
export type DurableConsumerConfig = Required<Pick<ConsumerConfig, 'durable_name' | 'description'>> &
  Pick<
    ConsumerConfig,
    'deliver_policy' | 'opt_start_seq' | 'opt_start_time' | 'filter_subject' | 'max_ack_pending'
  >;

export interface DurableConsumerOptions {
  readonly api: JetStreamApi;
  readonly link: BrokerLink;
  readonly stream: string;
  /** Makes the stream, where it was removed. */
  readonly remake: () => Promise<unknown>;
  readonly config: DurableConsumerConfig;
  /** A message that is not acknowledged for so long is delivered again. */
  readonly ackWaitMs: number;
  /** Messages that may have been asked for and not released. */
  readonly capacity: number;
  readonly log: Logger;
  readonly onMessage: (message: Msg, delivery: Delivery) => void;
}

/** Of all members together; those that wait to be tried again count. */
const mostAckPending = 20_000;
const firstRetryMs = 100;
const mostRetryMs = 5_000;

export class DurableConsumer {
  readonly #options: DurableConsumerOptions;
  readonly #stopListening: () => void;
  #pull: Pull | undefined;
  /** While nothing is pulled. */
  #unreleased = 0;
  #isStarting = false;
  #isStopped = false;
  #retries = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: DurableConsumerOptions) {
    this.#options = options;
    this.#stopListening = options.link.listen({
      lost: () => this.#abandon(),
      back: () => this.#restart(),
      closed: () => this.stop(),
    });
    this.#restart();
  }

  release(count: number): void {
    if (this.#pull) this.#pull.release(count);
    else this.#unreleased -= count;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#stopListening();
    this.#abandon();
  }

  #abandon(): void {
    clearTimeout(this.#retry);
    if (this.#pull) this.#unreleased = this.#pull.unreleased;
    this.#pull?.close();
    this.#pull = undefined;
  }

  #restart(): void {
    this.#abandon();
    if (this.#isStopped || this.#isStarting || !this.#options.link.isUp) return;
    this.#isStarting = true;
    this.#ensure().then(
      () => {
        this.#isStarting = false;
        this.#retries = 0;
        this.#begin();
      },
      (error: unknown) => {
        this.#isStarting = false;
        this.#later(error);
      },
    );
  }

  #begin(): void {
    const { link, stream, config, capacity, onMessage } = this.#options;
    if (this.#isStopped || !link.isUp) return;
    const consumer = config.durable_name;
    this.#pull = new Pull({
      ...{ link, stream, consumer, capacity, unreleased: this.#unreleased, onMessage },
      onGone: () => this.#restart(),
    });
  }

  /** One that is there stays as it is: another version of this service may have made it. */
  async #ensure(): Promise<void> {
    const { api, stream, config, ackWaitMs, remake } = this.#options;
    try {
      await api.consumerInfo(stream, config.durable_name);
      return;
    } catch (error) {
      const number = numberOf(error);
      if (number === errorNumber.streamNotFound) await remake();
      else if (number !== errorNumber.consumerNotFound) throw error;
    }
    await api.createConsumer(stream, {
      max_ack_pending: mostAckPending,
      ...config,
      ack_policy: 'explicit',
      ack_wait: ackWaitMs * nanosecondsPerMs,
      // Attempts are counted and limited here, where errors have classes.
      max_deliver: -1,
      replay_policy: 'instant',
    });
  }

  #later(error: unknown): void {
    const { log, stream, config } = this.#options;
    if (this.#isStopped) return;
    const fields = { stream, consumer: config.durable_name, error };
    if (this.#retries === 0) log.warn('messages cannot be pulled at the moment', fields);
    const wait = Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(10, this.#retries++));
    this.#retry = setTimeout(() => this.#restart(), wait).unref();
  }
}
