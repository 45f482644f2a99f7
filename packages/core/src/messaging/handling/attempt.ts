/**
 * One attempt to handle a message: decode, validate, run the handler in a span of its own. Each step runs the next at once
 * unless it has to wait.
 */
import { type FlotillaError, platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Span } from '../../telemetry/span.ts';
import { parseTraceparent } from '../../telemetry/trace-context.ts';
import type { SpanTemplate, Tracer } from '../../telemetry/tracer.ts';
import type { Transaction } from '../durable/transaction.ts';
import type { EventCodec } from '../publishing/event-codec.ts';
import type { MessageHandler } from '../subscription.ts';
import type { HandlingSeries } from './handling-metrics.ts';
import type { InHand, Message } from './message.ts';

/** What a handler's context is made from. */
export interface AttemptScope {
  readonly message: Message;
  readonly trace: Span;
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** The service's database transaction; the first one of the attempt also holds the message's id. */
  transaction<T>(work: (tx: Transaction) => T): Promise<T>;
}

export type MakeContext = (scope: AttemptScope) => unknown;

/** What is known of an event in a group before its first message. */
export interface HandledEvent {
  readonly codec: EventCodec;
  readonly spans: SpanTemplate;
  readonly series: HandlingSeries;
}

/** What all attempts of a subscription share. */
export interface AttemptEnvironment {
  readonly tracer: Tracer;
  readonly timeoutMs: number;
  readonly makeContext: MakeContext;
  /** Runs work in the service's database, together with the mark that the message is handled. */
  readonly transaction: <T>(message: InHand, work: (tx: Transaction) => T, attempt: Attempt) => Promise<T>;
  readonly of: (message: InHand) => HandledEvent;
}

/** The payload of a message that no repetition makes valid. */
export class InvalidPayload extends Error {
  override readonly name = 'InvalidPayload';
  constructor(type: string, cause: unknown) {
    super(`${type}: ${(cause as Error).message}`, { cause });
  }
}

const threwNothing = platformError('internal', 'the handler threw undefined');

/** @param error undefined when it succeeded. */
export type Outcome = (error: unknown, attempt: Attempt) => void;

export class Attempt implements AttemptScope {
  readonly #environment: AttemptEnvironment;
  readonly #inHand: InHand;
  readonly #startedAt: number;
  readonly #event: HandledEvent;
  readonly trace: Span;
  /** As the handler sees it: the number of the attempt does not change under it. */
  readonly message: Message;
  #abort: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #abortReason: FlotillaError | undefined;
  #isOver = false;
  /** The first transaction has been given out: it holds the mark. */
  hasMark = false;

  constructor(environment: AttemptEnvironment, inHand: InHand) {
    this.#environment = environment;
    this.#inHand = inHand;
    this.message = inHand;
    this.#startedAt = performance.now();
    this.#event = environment.of(inHand);
    this.trace = this.#event.spans
      .start(parseTraceparent(inHand.traceparent), this.#startedAt)
      .set('messaging.message.id', inHand.id)
      .set('messaging.destination.partition.id', String(inHand.partition));
    if (inHand.attempt > 1) this.trace.set('flotilla.attempt', inHand.attempt);
  }

  /** @param outcome called once, with the error when it failed. */
  run(outcome: Outcome): void {
    const { makeContext, tracer } = this.#environment;
    const finish = (): void => this.#end(undefined, outcome);
    const fail = (thrown: unknown): void => this.#end(thrown ?? threwNothing, outcome);
    const handle = (payload: unknown): void => {
      const { handle } = this.#inHand.handler;
      const context = makeContext(this);
      const active = tracer.activeSpans;
      const result = active
        ? active.run(this.trace, handle as MessageHandler, payload, context)
        : handle(payload, context);
      if (result instanceof Promise) result.then(finish, fail);
      else finish();
    };
    let payload: unknown;
    try {
      payload = this.#event.codec.decode(this.#inHand.raw.data);
    } catch (cause) {
      fail(new InvalidPayload(this.#inHand.type, cause));
      return;
    }
    try {
      if (payload instanceof Promise) {
        const invalid = (cause: unknown): never => {
          throw new InvalidPayload(this.#inHand.type, cause);
        };
        payload.catch(invalid).then(handle).catch(fail);
      } else handle(payload);
    } catch (thrown) {
      fail(thrown);
    }
  }

  /** Aborts when the time is up, the partition is another's, or the service stops and cannot wait. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#abortReason) abort.abort(this.#abortReason);
      else if (!this.#isOver) {
        const late = platformError('deadline_exceeded', `${this.#inHand.type} took too long to handle`);
        this.#timer = setTimeout(() => abort.abort(late), this.remainingMs()).unref();
      }
    }
    return this.#abort.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#startedAt + this.#environment.timeoutMs - performance.now());
  }

  transaction<T>(work: (tx: Transaction) => T): Promise<T> {
    return this.#environment.transaction(this.#inHand, work, this);
  }

  /** Nobody wants its result any more. */
  abort(reason: FlotillaError): void {
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  #end(thrown: unknown, outcome: Outcome): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    const now = performance.now();
    this.#event.series.took(now - this.#startedAt);
    if (thrown !== undefined) {
      const { code } =
        thrown instanceof InvalidPayload ? { code: 'invalid_argument' } : toFlotillaError(thrown);
      this.trace.fail(code, thrown instanceof Error ? thrown.message : String(thrown));
    }
    this.trace.end(now);
    outcome(thrown, this);
  }
}
