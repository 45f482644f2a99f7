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
import { StandingPull } from './standing-pull.ts';

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

export class DurableConsumer {
  readonly #options: DurableConsumerOptions;
  readonly #pull: StandingPull;

  constructor(options: DurableConsumerOptions) {
    this.#options = options;
    const { link, stream, config, capacity, log, onMessage } = options;
    this.#pull = new StandingPull({
      ...{ link, stream, capacity, onMessage },
      ensure: () => this.#ensure(),
      onFailure: (error) => {
        const fields = { stream, consumer: config.durable_name, error };
        log.warn('messages cannot be pulled at the moment', fields);
      },
    });
  }

  release(count: number): void {
    this.#pull.release(count);
  }

  stop(): void {
    this.#pull.stop();
  }

  /** One that is there stays as it is: another version of this service may have made it. */
  async #ensure(): Promise<string> {
    const { api, stream, config, ackWaitMs, remake } = this.#options;
    const { durable_name: name } = config;
    try {
      await api.consumerInfo(stream, name);
      return name;
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
    return name;
  }
}
