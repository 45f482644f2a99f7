/** Publishing the events of contracts: at least once, now or at a later time; or at most once. */
import { nuid } from '@nats-io/nats-core';
import type { ContractEvent } from '../../contract/contract.ts';
import { type FlotillaError, platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Span } from '../../telemetry/span.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { formatTraceparent, type TraceContext } from '../../telemetry/trace-context.ts';
import type { SpanTemplate } from '../../telemetry/tracer.ts';
import { type Duration, millisecondsOf } from '../duration.ts';
import { asHeaders, headerBlock, headerLine } from '../headers.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import type { Family, Streams } from '../jetstream/streams.ts';
import { header, partitionOf, type Topology } from '../topology.ts';
import { checkId, type EncodedPayload, EventCodec } from './event-codec.ts';
import type { EventSeries, PublishMetrics } from './publish-metrics.ts';
import { Outgoing, type PublishAck, type Publisher } from './publisher.ts';

export interface MessageOptions {
  /**
   * Names the message: published again under the same id it is the same message, to its stream for two minutes, to a group with
   * an inbox for as long as that keeps ids. Default: a new one.
   */
  readonly id?: string;
  /** Not before this time from now: milliseconds, or `5s`, `1h`. */
  readonly delay?: Duration;
  /** Not before this time. */
  readonly at?: Date;
}

export interface PublishOptions extends MessageOptions {
  /** How long it may take until the stream has it. Default: what is left of the call being handled, else 10 s. */
  readonly deadlineMs?: number;
  /** Aborted: nobody waits any more. The message may have been published. */
  readonly signal?: AbortSignal;
  /**
   * The stream takes the message only while its last one has this sequence (0: it is empty), and else it fails with `conflict`. For a
   * publisher with a log of its own, beside which nobody publishes: the sequences of what it publishes without waiting rise by one.
   */
  readonly expectedLast?: number;
}

/** How the stream of an event ends. */
export interface StreamEnd<P = unknown> {
  /** The sequence that was given last; 0 in a new stream. */
  readonly sequence: number;
  /** The last message of the event; undefined when there is none. */
  readonly last: { readonly sequence: number; readonly payload: P } | undefined;
}

/** What is known of a message once its stream has it. */
export interface Published {
  readonly id: string;
  /** In the stream of its family; of a message that is not due yet, among those that are not. */
  readonly sequence: number;
  readonly partition: number;
  /** The stream had it already, under the same id. */
  readonly duplicate: boolean;
}

/** What a message inherits from what is being handled while it is published. */
export interface PublishScope {
  readonly trace: Span | TraceContext | undefined;
  remainingMs(): number | undefined;
}

/** A message that is ready for the stream of its family, which need not be known yet. */
export interface EncodedMessage {
  readonly id: string;
  readonly key: string | undefined;
  readonly headers: Buffer;
  readonly payload: Buffer;
  /** Unix milliseconds; undefined: now. */
  readonly dueMs: number | undefined;
}

export interface EventPublisherOptions {
  readonly link: BrokerLink;
  readonly streams: Streams;
  readonly publisher: Publisher;
  readonly telemetry: Telemetry;
  readonly metrics: PublishMetrics;
  /** The service that publishes. */
  readonly service: string;
}

/** What is known of an event before its first message. */
interface KnownEvent {
  readonly codec: EventCodec;
  readonly spans: SpanTemplate;
  readonly series: EventSeries;
}

const defaultDeadlineMs = 10_000;
/** Between attempts to find, or to make, the stream of a family. */
const lookAgainMs = 200;

export class EventPublisher {
  readonly #link: BrokerLink;
  readonly #streams: Streams;
  readonly #publisher: Publisher;
  readonly #telemetry: Telemetry;
  readonly #metrics: PublishMetrics;
  readonly #topology: Topology;
  readonly #source: string;
  readonly #known = new Map<ContractEvent, KnownEvent>();
  /** Families whose stream is there: their messages are sent at once. */
  readonly #families = new Map<string, Family>();
  #timeMs = 0;
  #timeText = '';

  constructor(options: EventPublisherOptions) {
    this.#link = options.link;
    this.#streams = options.streams;
    this.#publisher = options.publisher;
    this.#telemetry = options.telemetry;
    this.#metrics = options.metrics;
    this.#topology = options.streams.topology;
    this.#source = `/${this.#topology.fleet}/${options.service}`;
  }

  codec(event: ContractEvent): EventCodec {
    return this.#know(event).codec;
  }

  /** Resolves when the stream has the message durably. */
  publish(
    event: ContractEvent,
    payload: unknown,
    options: PublishOptions = {},
    scope?: PublishScope,
  ): Promise<Published> {
    const { spans, series } = this.#know(event);
    const startedAt = performance.now();
    const dueAt = startedAt + (options.deadlineMs ?? scope?.remainingMs() ?? defaultDeadlineMs);
    const span = spans.startBelowActive(scope?.trace, startedAt);
    return new Promise<Published>((resolve, reject) => {
      const fail = (thrown: unknown): void => {
        const error = toFlotillaError(thrown);
        series.failed(error.code);
        if (error.code === 'invalid_argument') span.set('error.type', error.code);
        else span.fail(error.code, error.message);
        span.end();
        reject(thrown instanceof Error ? thrown : error);
      };
      const send = (message: EncodedMessage, family: Family): void => {
        const partition = partitionOf(message.key, family.partitions);
        const done = ({ seq, duplicate = false }: PublishAck): void => {
          const now = performance.now();
          series.published(now - startedAt);
          span.end(now);
          resolve({ id: message.id, sequence: seq, partition, duplicate });
        };
        span
          .set('messaging.message.id', message.id)
          .set('messaging.destination.partition.id', String(partition));
        const subject = this.#subject(event.service, event.name, partition, message.dueMs);
        const outgoing = new Outgoing(
          subject,
          asHeaders(message.headers),
          message.payload,
          dueAt,
          done,
          fail,
        );
        this.#publisher.send(outgoing);
        if (options.signal) this.#abandonWith(options.signal, outgoing);
      };
      try {
        options.signal?.throwIfAborted();
        const message = this.encode(event, payload, options, span);
        const family = this.#families.get(event.service);
        if (family && !(message instanceof Promise)) send(message, family);
        else this.#sendLater(event, message, dueAt, send).catch(fail);
      } catch (thrown) {
        fail(thrown);
      }
    });
  }

  /**
   * Validates a payload and puts its message together.
   *
   * @throws FlotillaError `invalid_argument` naming the field or option at fault.
   */
  encode(
    event: ContractEvent,
    payload: unknown,
    options: MessageOptions & Pick<PublishOptions, 'expectedLast'>,
    trace: Span | TraceContext | undefined,
  ): EncodedMessage | Promise<EncodedMessage> {
    const { codec } = this.#know(event);
    const id = options.id === undefined ? nuid.next() : checkId(options.id);
    const dueMs = dueTimeOf(event, options);
    const encoded = codec.encode(payload);
    const assemble = ({ bytes, key }: EncodedPayload): EncodedMessage => {
      const traceparent = trace && formatTraceparent(trace);
      const due = dueMs === undefined ? '' : headerLine(header.due, String(dueMs));
      const { expectedLast } = options;
      const expected =
        expectedLast === undefined ? '' : headerLine(header.expectedLastSequence, String(expectedLast));
      const headers = headerBlock(codec.headerLines(id, key, this.#now(), traceparent) + due + expected);
      this.#checkSize(event, headers.length + bytes.length);
      return { id, key, headers, payload: bytes, dueMs };
    };
    return encoded instanceof Promise ? encoded.then(assemble) : assemble(encoded);
  }

  /** The subject of a message of an event, in a family whose stream is known. */
  subjectOf(event: string, family: Family, { key, dueMs }: EncodedMessage): string {
    return this.#subject(family.service, event, partitionOf(key, family.partitions), dueMs);
  }

  /** A family whose stream is there. */
  knownFamily(service: string): Family | undefined {
    return this.#families.get(service);
  }

  /** A service's family, made where it is missing, looked for until `dueAt` in monotonic milliseconds. */
  async family(service: string, partitions: number, dueAt: number): Promise<Family> {
    for (;;) {
      try {
        const family = await beforeDue(this.#streams.family(service, partitions), dueAt);
        this.#families.set(service, family);
        return family;
      } catch (error) {
        const { code } = toFlotillaError(error);
        if (code !== 'unavailable' || performance.now() + lookAgainMs >= dueAt || this.#link.isClosed)
          throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
  }

  /** Nobody took a message of this family: its stream may be gone, and has to be made again. */
  familyMissing(service: string): void {
    const known = this.#families.get(service);
    this.#families.delete(service);
    this.#streams.forget(service);
    if (known) this.#remake(known);
  }

  /** Sends and forgets: to those who listen now. @throws FlotillaError `invalid_argument`. */
  emit(event: ContractEvent, payload: unknown, scope?: PublishScope): void {
    const { spans, series } = this.#know(event);
    const span = spans.startBelowActive(scope?.trace);
    const send = ({ id, headers, payload: bytes }: EncodedMessage): void => {
      const subject = this.#topology.emitSubject(event.service, event.name);
      if (this.#link.isUp) this.#link.connection.publish(subject, bytes, { headers: asHeaders(headers) });
      series.emitted(this.#link.isUp);
      span.set('messaging.message.id', id).end();
    };
    const refuse = (error: FlotillaError): void => {
      series.failed(error.code);
      span.set('error.type', error.code).end();
    };
    try {
      const message = this.encode(event, payload, {}, span);
      if (!(message instanceof Promise)) send(message);
      else {
        message.then(send).catch((error: FlotillaError) => {
          refuse(error);
          this.#telemetry.log.error('an invalid event was not emitted', { event: event.id, error });
        });
      }
    } catch (error) {
      refuse(toFlotillaError(error));
      throw error;
    }
  }

  #know(event: ContractEvent): KnownEvent {
    let known = this.#known.get(event);
    if (!known) {
      known = {
        codec: new EventCodec(event, this.#source),
        spans: this.#telemetry.tracer.template(`publish ${event.id}`, 'producer', {
          'messaging.system': 'nats',
          'messaging.operation.name': 'publish',
          'messaging.operation.type': 'send',
          'messaging.destination.name': event.id,
        }),
        series: this.#metrics.of(event.id),
      };
      this.#known.set(event, known);
    }
    return known;
  }

  #subject(service: string, event: string, partition: number, dueMs: number | undefined): string {
    return dueMs === undefined
      ? this.#topology.eventSubject(service, partition, event)
      : this.#topology.delayedSubject(service, partition, event);
  }

  /** Known before it is sent, so that nothing gets into an outbox that no stream takes. */
  #checkSize({ id }: ContractEvent, bytes: number): void {
    const most = this.#link.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes <= most) return;
    throw platformError(
      'payload_too_large',
      `${id}: a message of ${bytes} bytes, but the broker takes ${most} at most (its max_payload): ` +
        'publish a reference to the data instead, or raise the limit',
      { data: { executed: 'no' } },
    );
  }

  async #sendLater(
    event: ContractEvent,
    message: EncodedMessage | Promise<EncodedMessage>,
    dueAt: number,
    send: (message: EncodedMessage, family: Family) => void,
  ): Promise<void> {
    const encoded = await message;
    send(
      encoded,
      this.#families.get(event.service) ?? (await this.family(event.service, event.partitions, dueAt)),
    );
  }

  #abandonWith(signal: AbortSignal, outgoing: Outgoing): void {
    signal.addEventListener('abort', () => this.#publisher.giveUp(outgoing, toFlotillaError(signal.reason)), {
      once: true,
    });
  }

  #remake({ service, partitions }: Family): void {
    this.#streams.family(service, partitions).then(
      (family) => this.#families.set(service, family),
      (error: unknown) =>
        this.#telemetry.log.warn('the stream of the events is away', { family: service, error }),
    );
  }

  /** The time, as text; most messages of a millisecond share it. */
  #now(): string {
    const now = Date.now();
    if (now !== this.#timeMs) {
      this.#timeMs = now;
      this.#timeText = new Date(now).toISOString();
    }
    return this.#timeText;
  }
}

function dueTimeOf(event: ContractEvent, { delay, at }: MessageOptions): number | undefined {
  if (delay === undefined && at === undefined) return undefined;
  if (delay !== undefined && at !== undefined) {
    throw platformError('invalid_argument', `${event.id}: give either delay or at, not both`);
  }
  const now = Date.now();
  const due = at === undefined ? now + millisecondsOf(delay!, `${event.id}: delay`) : at.getTime();
  if (Number.isNaN(due)) throw platformError('invalid_argument', `${event.id}: at is no valid time`);
  return due > now ? Math.ceil(due) : undefined;
}

function beforeDue<T>(work: Promise<T>, dueAt: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          platformError('unavailable', 'the broker did not say in time where the events lie', {
            data: { executed: 'no' },
          }),
        ),
      Math.max(0, dueAt - performance.now()),
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
