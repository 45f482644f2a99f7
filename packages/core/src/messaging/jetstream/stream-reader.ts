/**
 * Reads a stream in order and without a gap, for ever: an ephemeral pull consumer without acknowledgements, made anew behind the
 * last message whenever something is missing (a gap in its count, silence, a new connection, a new leader).
 */
import { type Msg, nuid } from '@nats-io/nats-core';
import type { Logger } from '../../telemetry/log.ts';
import { type ConsumerConfig, type JetStreamApi, nanosecondsPerMs, type StreamInfo } from './api.ts';
import type { BrokerLink } from './broker-link.ts';
import { continuityOf } from './continuity.ts';
import type { Delivery } from './delivery.ts';
import { StandingPull } from './standing-pull.ts';

export interface StreamReaderOptions {
  readonly api: JetStreamApi;
  readonly link: BrokerLink;
  readonly log: Logger;
  readonly stream: string;
  /** Of the subjects that it reads; all where it is absent. */
  readonly filter?: string;
  /** The last sequence that is known already. */
  readonly after: number;
  /** Begins with the last message of each subject instead, wherever that is: for key-value buckets. */
  readonly lastPerSubject?: boolean;
  /** Messages that may have been asked for and not released. Default 512. */
  readonly capacity?: number;
  /** What operators see it is for. */
  readonly description: string;
  readonly onMessage: (message: Msg, delivery: Delivery) => void;
  /** The stream as it is now, made where it is missing. Asked whenever the reader begins anew. */
  readonly describe: () => Promise<StreamInfo>;
  /** When the stream was made that `after` is of. Default: the one that is there at the beginning. */
  readonly created?: string;
  /** The reader has stopped, because what it has read so far is not of the stream as it is now (see {@link continuityOf}). */
  readonly onOtherStream: () => void;
}

const defaultCapacity = 512;
/** A consumer that nobody asks is removed by the server. */
const inactiveMs = 60_000;

export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #pull: StandingPull;
  #last: number;
  #created: string | undefined;
  #consumerSequence = 0;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#last = options.after;
    this.#created = options.created;
    const { link, stream, filter, log, capacity = defaultCapacity } = options;
    this.#pull = new StandingPull({
      ...{ link, stream, capacity },
      ensure: () => this.#make(),
      onAbandoned: (consumer) => this.#remove(consumer),
      onMessage: (message, delivery) => this.#received(message, delivery),
      onFailure: (error) => log.warn('a stream cannot be read at the moment', { stream, filter, error }),
    });
  }

  /** So many messages are done with: as many more may come. */
  release(count: number): void {
    this.#pull.release(count);
  }

  stop(): void {
    this.#pull.stop();
  }

  /** The server removes it, now or when it notices that nobody asks. */
  #remove(consumer: string): void {
    const { link, stream } = this.#options;
    if (link.isUp) link.connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`);
  }

  async #make(): Promise<string | undefined> {
    const { api, stream } = this.#options;
    if (await this.#isOther()) return undefined;
    const { name } = await api.createConsumer(stream, this.#config());
    this.#consumerSequence = 0;
    return name;
  }

  async #isOther(): Promise<boolean> {
    const { describe, onOtherStream } = this.#options;
    const info = await describe();
    this.#created ??= info.created;
    if (continuityOf({ stream: this.#created, sequence: this.#last }, info) === 'goes on') return false;
    if (!this.#pull.isStopped) {
      this.stop();
      onOtherStream();
    }
    return true;
  }

  #config(): ConsumerConfig {
    const { filter, lastPerSubject = false, description } = this.#options;
    const isFirst = lastPerSubject && this.#last === 0;
    return {
      name: `reader_${nuid.next()}`,
      description,
      ack_policy: 'none',
      ...(isFirst
        ? { deliver_policy: 'last_per_subject' }
        : { deliver_policy: 'by_start_sequence', opt_start_seq: this.#last + 1 }),
      ...(filter === undefined ? {} : { filter_subject: filter }),
      inactive_threshold: inactiveMs * nanosecondsPerMs,
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
    };
  }

  #received(message: Msg, delivery: Delivery): void {
    if (delivery.consumerSequence !== this.#consumerSequence + 1) {
      this.#pull.release(1);
      this.#pull.restart();
      return;
    }
    this.#consumerSequence = delivery.consumerSequence;
    this.#last = delivery.sequence;
    this.#options.onMessage(message, delivery);
  }
}
