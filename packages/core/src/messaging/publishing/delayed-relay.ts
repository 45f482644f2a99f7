/**
 * Publishes delayed messages when they are due. They lie in a stream of their own; all processes of the fleet share one durable
 * consumer of it. Who is handed a message that is not due gives it back until then, and who is handed one that is due publishes it under
 * its own id, so that it is published once, whoever dies in between.
 */
import type { Msg } from '@nats-io/nats-core';
import type { Logger } from '../../telemetry/log.ts';
import { asHeaders, blockOf, headersOf } from '../headers.ts';
import { type JetStreamApi, nanosecondsPerMs } from '../jetstream/api.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import { DurableConsumer } from '../jetstream/durable-consumer.ts';
import { header, type Topology } from '../topology.ts';
import { Outgoing, type Publisher } from './publisher.ts';

export interface DelayedRelayOptions {
  readonly api: JetStreamApi;
  readonly link: BrokerLink;
  readonly publisher: Publisher;
  readonly topology: Topology;
  /** Makes the stream of delayed messages, where it was removed. */
  readonly remake: () => Promise<unknown>;
  readonly log: Logger;
  /** Unix milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

const capacity = 256;
const ackWaitMs = 30_000;
const publishWithinMs = 20_000;
/** The broker counts the wait by its own clock; looking again now and then keeps a clock that was set right from mattering long. */
const mostWaitMs = 15 * 60_000;
const unlimited = -1;

export class DelayedRelay {
  readonly #options: DelayedRelayOptions;
  readonly #consumer: DurableConsumer;
  readonly #now: () => number;

  constructor(options: DelayedRelayOptions) {
    const { api, link, topology, remake, log, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#consumer = new DurableConsumer({
      ...{ api, link, log, capacity, ackWaitMs, stream: topology.delayedStream, remake },
      config: {
        durable_name: topology.delayedConsumer,
        description: 'publishes what is due',
        deliver_policy: 'all',
        max_ack_pending: unlimited,
      },
      onMessage: (message) => this.#received(message),
    });
  }

  stop(): void {
    this.#consumer.stop();
  }

  #received(message: Msg): void {
    this.#consumer.release(1);
    const due = Number(headersOf(message).get(header.due));
    const wait = due - this.#now();
    if (wait > 0) this.#answer(message, giveBack(wait));
    else this.#publish(message);
  }

  #publish(message: Msg): void {
    const { topology, publisher, log } = this.#options;
    const address = topology.readDelayedSubject(message.subject);
    if (!address) {
      log.error('a delayed message of no event was removed', { subject: message.subject });
      this.#answer(message, '+TERM');
      return;
    }
    const subject = topology.eventSubject(address.service, address.partition, address.event);
    const dueAt = performance.now() + publishWithinMs;
    const failed = (error: unknown): void => {
      log.warn('a delayed message could not be published yet', { subject, error });
      this.#answer(message, giveBack(publishWithinMs));
    };
    const done = (): void => this.#answer(message, '+ACK');
    const block = blockOf(message);
    const headers = block && asHeaders(block);
    publisher.send(new Outgoing(subject, headers, message.data, dueAt, done, failed));
  }

  #answer({ reply }: Msg, text: string): void {
    const { link } = this.#options;
    // Lost with the connection: then it is delivered again, and recognised by its id.
    if (link.isUp && reply) link.connection.publish(reply, text);
  }
}

function giveBack(ms: number): string {
  return `-NAK {"delay":${Math.ceil(Math.min(ms, mostWaitMs)) * nanosecondsPerMs}}`;
}
