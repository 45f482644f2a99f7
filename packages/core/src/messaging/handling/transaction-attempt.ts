/** One attempt to handle a message inside of the service's database transaction: decode, validate, run the handler. */
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Span } from '../../telemetry/span.ts';
import { parseTraceparent } from '../../telemetry/trace-context.ts';
import type { Tracer } from '../../telemetry/tracer.ts';
import type { Outbox } from '../durable/outbox.ts';
import type { Transaction } from '../durable/transaction.ts';
import { type HandledEvent, InvalidPayload } from './attempt.ts';
import type { InHand, Message } from './message.ts';

/** What the context of such a handler is made from. */
export interface TransactionScope {
  readonly message: Message;
  readonly trace: Span;
  readonly tx: Transaction;
}

export type MakeTransactionContext = (scope: TransactionScope) => unknown;

export interface TransactionAttemptsOptions {
  readonly tracer: Tracer;
  readonly outbox: Outbox;
  readonly makeContext: MakeTransactionContext;
  readonly of: (message: InHand) => HandledEvent;
  /** The publisher's own number of a payload; undefined: the sequence counts. */
  readonly position: ((payload: unknown) => number) | undefined;
}

export class TransactionAttempts {
  readonly #options: TransactionAttemptsOptions;

  constructor(options: TransactionAttemptsOptions) {
    this.#options = options;
  }

  of(message: InHand): HandledEvent {
    return this.#options.of(message);
  }

  /** The position of a message that is not handled, because it was before. */
  positionOf(message: InHand): number {
    const { position } = this.#options;
    return position ? position(this.#decode(message)) : message.sequence;
  }

  /** Runs the handler and gives the message's position. What it throws undoes the message's write. */
  run(message: InHand): number {
    const { tracer, outbox, makeContext, position } = this.#options;
    const { spans, series } = this.of(message);
    const startedAt = performance.now();
    const trace = spans
      .start(parseTraceparent(message.traceparent), startedAt)
      .set('messaging.message.id', message.id)
      .set('messaging.destination.partition.id', String(message.partition));
    if (message.attempt > 1) trace.set('flotilla.attempt', message.attempt);
    const tx = outbox.begin({ trace, remainingMs: () => undefined });
    try {
      const payload = this.#decode(message);
      const { handle } = message.handler;
      const context = makeContext({ message, trace, tx });
      const active = tracer.activeSpans;
      const result = active ? active.run(trace, handle, payload, context) : handle(payload, context);
      if (result instanceof Promise) throw this.#asynchronous(message, result);
      return position ? position(payload) : message.sequence;
    } catch (thrown) {
      const code = thrown instanceof InvalidPayload ? 'invalid_argument' : toFlotillaError(thrown).code;
      trace.fail(code, thrown instanceof Error ? thrown.message : String(thrown));
      throw thrown;
    } finally {
      tx.end();
      const now = performance.now();
      series.took(now - startedAt);
      trace.end(now);
    }
  }

  #decode(message: InHand): unknown {
    let payload: unknown;
    try {
      payload = this.of(message).codec.decode(message.raw.data);
    } catch (cause) {
      throw new InvalidPayload(message.type, cause);
    }
    if (payload instanceof Promise) throw this.#asynchronous(message, payload);
    return payload;
  }

  #asynchronous({ type }: InHand, promise: Promise<unknown>): Error {
    // Its outcome is not wanted, and must not end the process.
    promise.catch(() => {});
    return platformError(
      'internal',
      `${type}: what runs in a transaction must be synchronous, the handler and the schema's checks: ` +
        'use subscribe without `transaction: true` for what has to wait',
    );
  }
}
