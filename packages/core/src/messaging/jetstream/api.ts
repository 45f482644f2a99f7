/**
 * The JetStream API: requests with JSON bodies below `$JS.API` (ADR-1, ADR-2 of NATS). Only what messaging asks for; on the
 * hot paths (publishing, pulling, acknowledging) nothing goes through here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import { abilitiesOf } from './abilities.ts';
import { type ApiErrorBody, apiError, errorNumber, numberOf, requestError } from './api-error.ts';
import type { BrokerLink } from './broker-link.ts';

/** Durations in the API are in nanoseconds. */
export const nanosecondsPerMs = 1_000_000;

export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly description?: string;
  readonly retention: 'limits' | 'workqueue' | 'interest';
  readonly storage: 'file' | 'memory';
  readonly discard?: 'old' | 'new';
  readonly num_replicas: number;
  /** Nanoseconds; 0: for ever. */
  readonly max_age?: number;
  readonly max_bytes?: number;
  readonly max_msgs?: number;
  readonly max_msgs_per_subject?: number;
  /** Nanoseconds. */
  readonly duplicate_window?: number;
  readonly allow_direct?: boolean;
  readonly allow_rollup_hdrs?: boolean;
  readonly deny_delete?: boolean;
}

export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly first_ts?: string;
  readonly last_ts?: string;
  readonly subjects?: Readonly<Record<string, number>>;
}

export interface StreamInfo {
  /** When it was made, RFC 3339. */
  readonly created: string;
  readonly config: StreamConfig;
  readonly state: StreamState;
}

export interface ConsumerConfig {
  readonly name?: string;
  readonly durable_name?: string;
  readonly description?: string;
  readonly ack_policy: 'none' | 'explicit';
  readonly deliver_policy: 'all' | 'new' | 'last_per_subject' | 'by_start_sequence' | 'by_start_time';
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
  readonly filter_subject?: string;
  /** Nanoseconds. */
  readonly ack_wait?: number;
  readonly max_deliver?: number;
  readonly max_ack_pending?: number;
  readonly max_waiting?: number;
  /** Nanoseconds. */
  readonly inactive_threshold?: number;
  readonly replay_policy: 'instant';
  readonly mem_storage?: boolean;
  readonly num_replicas?: number;
  readonly headers_only?: boolean;
}

export interface ConsumerInfo {
  readonly stream_name: string;
  readonly name: string;
  readonly config: ConsumerConfig;
  readonly created: string;
  readonly delivered: { readonly consumer_seq: number; readonly stream_seq: number };
  readonly ack_floor: { readonly consumer_seq: number; readonly stream_seq: number };
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_waiting: number;
  readonly num_pending: number;
  /** In a cluster. */
  readonly cluster?: { readonly leader?: string };
}

/** A message as `STREAM.MSG.GET` gives it. */
export interface GotMessage {
  readonly subject: string;
  readonly seq: number;
  /** Base64. */
  readonly data?: string;
  /** Base64 of the header block. */
  readonly hdrs?: string;
  readonly time: string;
}

interface Page {
  readonly total: number;
  readonly offset: number;
}

/** Of one request to a single server. */
const answerMs = 5_000;
/**
 * A cluster leaves requests unanswered while whom they are for has no leader: a follower of nats-server waits for 4 s to 9 s before it
 * stands for election, and votes may be split.
 */
const electedMs = 20_000;
/** Of one request to a cluster, before it is repeated. */
const attemptMs = 2_000;
const pauseMs = 100;

export class JetStreamApi {
  readonly connection: NatsConnection;
  /** Answers come from leaders; what reads a stream may be on a replica that is a moment behind. */
  readonly isClustered: boolean;
  readonly #link: BrokerLink | undefined;

  /** @param link of the connection, where there is one: no answer is waited for while it is lost. */
  constructor(connection: NatsConnection, link?: BrokerLink) {
    this.connection = connection;
    this.isClustered = abilitiesOf(connection.info!).isClustered;
    this.#link = link;
  }

  /**
   * Asks for something that may be asked for twice. A cluster is asked again while it has no leader that could answer.
   *
   * @param hasLeader of what a cluster tells of something that it is still making.
   * @throws FlotillaError: the server's own error with its number, or `unavailable`.
   */
  async request<T>(name: string, body?: object, hasLeader?: (answer: T) => boolean): Promise<T> {
    if (!this.isClustered) return await this.#ask(name, body, answerMs);
    const giveUpAt = performance.now() + electedMs;
    for (;;) {
      try {
        const answer = await this.#ask<T>(name, body, attemptMs);
        if (hasLeader?.(answer) === false) throw platformError('unavailable', `${name}: no leader yet`);
        return answer;
      } catch (error) {
        const isPassing = toFlotillaError(error).code === 'unavailable' && !this.connection.isClosed();
        if (!isPassing || performance.now() >= giveUpAt) throw error;
      }
      await delay(pauseMs);
    }
  }

  async #ask<T>(name: string, body: object | undefined, timeout: number): Promise<T> {
    let answer: T & { readonly error?: ApiErrorBody };
    try {
      const payload = body === undefined ? '' : JSON.stringify(body);
      const ask = () => this.connection.request(`$JS.API.${name}`, payload, { timeout });
      const message = await (this.#link ? this.#link.whileUp(ask) : ask());
      answer = JSON.parse(Buffer.from(message.data).toString('utf8')) as typeof answer;
    } catch (cause) {
      throw requestError(name, cause);
    }
    if (answer.error) throw apiError(name, answer.error);
    return answer;
  }

  streamInfo(stream: string, options?: { readonly subjects_filter?: string }): Promise<StreamInfo> {
    return this.request(`STREAM.INFO.${stream}`, options);
  }

  createStream(config: StreamConfig): Promise<StreamInfo> {
    return this.request(`STREAM.CREATE.${config.name}`, config);
  }

  updateStream(config: StreamConfig): Promise<StreamInfo> {
    return this.request(`STREAM.UPDATE.${config.name}`, config);
  }

  /**
   * The names of all streams that have a subject below the filter. What they are like is asked for one by one: for a list, a cluster
   * waits for four seconds if one has no leader.
   */
  streamNames(subject: string): Promise<string[]> {
    return this.#names('STREAM.NAMES', 'streams', { subject });
  }

  createConsumer(stream: string, config: ConsumerConfig): Promise<ConsumerInfo> {
    const name =
      config.durable_name === undefined
        ? `CONSUMER.CREATE.${stream}`
        : `CONSUMER.DURABLE.CREATE.${stream}.${config.durable_name}`;
    return this.request(name, { stream_name: stream, config });
  }

  /** Of one that can be pulled from: what is asked of a consumer before it has a leader is lost. */
  consumerInfo(stream: string, consumer: string): Promise<ConsumerInfo> {
    return this.request<ConsumerInfo>(
      `CONSUMER.INFO.${stream}.${consumer}`,
      undefined,
      ({ cluster }) => (cluster?.leader ?? '') !== '',
    );
  }

  consumerNames(stream: string): Promise<string[]> {
    return this.#names(`CONSUMER.NAMES.${stream}`, 'consumers', {});
  }

  async deleteConsumer(stream: string, consumer: string): Promise<void> {
    await this.#ask(`CONSUMER.DELETE.${stream}.${consumer}`, undefined, answerMs);
  }

  /**
   * Read from the stream's leader, so that it is what was written last.
   *
   * @returns undefined when there is none.
   */
  async lastMessage(stream: string, subject: string): Promise<GotMessage | undefined> {
    return await this.#getMessage(stream, { last_by_subj: subject });
  }

  async message(stream: string, sequence: number): Promise<GotMessage | undefined> {
    return await this.#getMessage(stream, { seq: sequence });
  }

  /** Removes a message; what is stored of it is not overwritten. False when it was not there. */
  async deleteMessage(stream: string, sequence: number): Promise<boolean> {
    const query = { seq: sequence, no_erase: true };
    const name = `STREAM.MSG.DELETE.${stream}`;
    const { success } = await this.#ask<{ readonly success: boolean }>(name, query, answerMs);
    return success;
  }

  async #names<K extends 'streams' | 'consumers'>(name: string, key: K, query: object): Promise<string[]> {
    const names: string[] = [];
    for (;;) {
      const page = await this.request<Page & { readonly [key in K]: readonly string[] | null }>(name, {
        ...query,
        offset: names.length,
      });
      const more = page[key] ?? [];
      names.push(...more);
      if (more.length === 0 || names.length >= page.total) return names;
    }
  }

  async #getMessage(stream: string, query: object): Promise<GotMessage | undefined> {
    try {
      const { message } = await this.request<{ readonly message: GotMessage }>(
        `STREAM.MSG.GET.${stream}`,
        query,
      );
      return message;
    } catch (error) {
      if (numberOf(error) === errorNumber.noMessageFound) return undefined;
      throw error;
    }
  }
}
