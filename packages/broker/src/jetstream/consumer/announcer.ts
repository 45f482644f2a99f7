/**
 * Tells the world what happens to consumers: advisories and metrics under the subjects and types of the server. Names come as
 * wire text; subjects and bodies have them as they are.
 */
import { fromWireText } from '../../protocol/wire-text.ts';
import type { JetStreamContext } from '../context.ts';
import type { ConsumerEvent } from './consumer-output.ts';

const NS_PER_MS = 1e6;

export class Announcer {
  readonly #context: JetStreamContext;

  constructor(context: JetStreamContext) {
    this.#context = context;
  }

  created(stream: string, consumer: string): void {
    this.#advise('CREATED', 'consumer_action', stream, consumer, { action: 'create' });
  }

  deleted(stream: string, consumer: string): void {
    this.#advise('DELETED', 'consumer_action', stream, consumer, { action: 'delete' });
  }

  event(stream: string, consumer: string, event: ConsumerEvent): void {
    const { streamSequence, deliveries } = event;
    if (event.kind === 'max_deliver') {
      const fields = { stream_seq: streamSequence, deliveries };
      this.#advise('MAX_DELIVERIES', 'max_deliver', stream, consumer, fields);
      return;
    }
    const { consumerSequence } = event;
    const delivery = { consumer_seq: consumerSequence, stream_seq: streamSequence };
    switch (event.kind) {
      case 'nak':
        this.#advise('MSG_NAKED', 'nak', stream, consumer, { ...delivery, deliveries });
        break;
      case 'terminated':
        this.#advise('MSG_TERMINATED', 'terminated', stream, consumer, { ...delivery, deliveries });
        break;
      case 'acknowledged':
        this.#context.measure(`CONSUMER.ACK.${placeOf(stream, consumer)}`, 'consumer_ack', {
          stream: fromWireText(stream),
          consumer: fromWireText(consumer),
          ...delivery,
          ack_time: Math.round(event.delay * NS_PER_MS),
          deliveries,
        });
    }
  }

  #advise(
    verb: string,
    type: string,
    stream: string,
    consumer: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    this.#context.advise(`CONSUMER.${verb}.${placeOf(stream, consumer)}`, type, {
      stream: fromWireText(stream),
      consumer: fromWireText(consumer),
      ...fields,
    });
  }
}

function placeOf(stream: string, consumer: string): string {
  return fromWireText(`${stream}.${consumer}`);
}
