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
import { Pull } from './pull.ts';

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
const firstRetryMs = 50;
const mostRetryMs = 5_000;

export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #stopListening: () => void;
  #last: number;
  #created: string | undefined;
  #consumer: string | undefined;
  #consumerSequence = 0;
  #pull: Pull | undefined;
  /** While there is no consumer. */
  #unreleased = 0;
  #retries = 0;
  #isStarting = false;
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: StreamReaderOptions) {
    this.#options = options;
    this.#last = options.after;
    this.#created = options.created;
    this.#stopListening = options.link.listen({
      lost: () => this.#abandon(),
      back: () => this.#restart(),
      closed: () => this.stop(),
    });
    this.#restart();
  }

  /** So many messages are done with: as many more may come. */
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

  /** Forgets the consumer at hand; the server removes it, now or when it notices. */
  #abandon(): void {
    clearTimeout(this.#retry);
    if (this.#pull) this.#unreleased = this.#pull.unreleased;
    this.#pull?.close();
    this.#pull = undefined;
    if (this.#consumer !== undefined) this.#remove(this.#consumer);
    this.#consumer = undefined;
  }

  #remove(consumer: string): void {
    const { link, stream } = this.#options;
    if (link.isUp) link.connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`);
  }

  #restart(): void {
    this.#abandon();
    if (this.#isStopped || this.#isStarting || !this.#options.link.isUp) return;
    this.#isStarting = true;
    this.#start().then(
      () => {
        this.#isStarting = false;
        this.#retries = 0;
      },
      (error: unknown) => {
        this.#isStarting = false;
        this.#later(error);
      },
    );
  }

  async #start(): Promise<void> {
    const { api, link, stream, capacity = defaultCapacity } = this.#options;
    if (await this.#isOther()) return;
    const { name } = await api.createConsumer(stream, this.#config());
    if (this.#isStopped || !link.isUp) {
      this.#remove(name);
      return;
    }
    this.#consumer = name;
    this.#consumerSequence = 0;
    this.#pull = new Pull({
      ...{ link, stream, consumer: name, capacity, unreleased: this.#unreleased },
      onMessage: (message, delivery) => this.#received(message, delivery),
      onGone: () => this.#restart(),
    });
  }

  async #isOther(): Promise<boolean> {
    const { describe, onOtherStream } = this.#options;
    const info = await describe();
    this.#created ??= info.created;
    if (continuityOf({ stream: this.#created, sequence: this.#last }, info) === 'goes on') return false;
    if (!this.#isStopped) {
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

  #later(error: unknown): void {
    const { log, stream, filter } = this.#options;
    if (this.#isStopped) return;
    if (this.#retries === 0) log.warn('a stream cannot be read at the moment', { stream, filter, error });
    const wait = Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(10, this.#retries++));
    this.#retry = setTimeout(() => this.#restart(), wait).unref();
  }

  #received(message: Msg, delivery: Delivery): void {
    if (delivery.consumerSequence !== this.#consumerSequence + 1) {
      this.#pull?.release(1);
      this.#restart();
      return;
    }
    this.#consumerSequence = delivery.consumerSequence;
    this.#last = delivery.sequence;
    this.#options.onMessage(message, delivery);
  }
}
