/** A message while it is being handled. */
import type { Msg } from '@nats-io/nats-core';
import { headersOf, type ReceivedHeaders } from '../headers.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import { type MessageFacts, readFacts } from '../publishing/event-codec.ts';
import type { EventHandler } from '../subscription.ts';

/** What a handler knows of the message that it handles: `context.message`. */
export interface Message {
  readonly id: string;
  /** The service whose event it is. */
  readonly service: string;
  /** The event's name in its contract. */
  readonly event: string;
  /** `<service>.<event>`. */
  readonly type: string;
  /** The value of the event's key field, as text. */
  readonly key: string | undefined;
  readonly partition: number;
  /** In the stream of its family: rises with every message. 0 for what was only emitted. */
  readonly sequence: number;
  /** `/<fleet>/<service>` of the publisher. */
  readonly source: string;
  /** When it was published. */
  readonly time: Date;
  /** 1 the first time. */
  readonly attempt: number;
  /** How often it was given back from the dead letters. */
  readonly redrives: number;
}

/** A message in the hand of its reader, until it is done with. */
export class InHand implements Message {
  readonly raw: Msg;
  readonly handler: EventHandler;
  readonly stream: string;
  readonly partition: number;
  readonly sequence: number;
  /** When it was stored, in Unix milliseconds. */
  readonly storedMs: number;
  readonly headers: ReceivedHeaders;
  readonly #facts: MessageFacts;
  attempt = 0;
  /** Unix milliseconds of the first attempt. */
  firstAttemptMs = 0;

  constructor(raw: Msg, handler: EventHandler, stream: string, partition: number, delivery: Delivery) {
    this.raw = raw;
    this.handler = handler;
    this.stream = stream;
    this.partition = partition;
    this.sequence = delivery.sequence;
    this.storedMs = delivery.timeMs;
    this.headers = headersOf(raw);
    this.#facts = readFacts(this.headers, stream, delivery.sequence);
  }

  get id(): string {
    return this.#facts.id;
  }
  get service(): string {
    return this.handler.event.service;
  }
  get event(): string {
    return this.handler.event.name;
  }
  get type(): string {
    return this.handler.event.id;
  }
  get key(): string | undefined {
    return this.#facts.key;
  }
  get source(): string {
    return this.#facts.source;
  }
  get time(): Date {
    const published = Date.parse(this.#facts.time ?? '');
    return new Date(Number.isNaN(published) ? this.storedMs : published);
  }
  get redrives(): number {
    return this.#facts.redrives;
  }
  get traceparent(): string | undefined {
    return this.#facts.traceparent;
  }
  /** By which an inbox knows it: a replay is handled again on purpose. */
  get inboxId(): string {
    const { id, replay } = this.#facts;
    return replay === undefined ? id : `${id}#${replay}`;
  }
}

/** The last token of a subject: the event's name in all subjects that carry one. */
export function eventOfSubject(subject: string): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}
