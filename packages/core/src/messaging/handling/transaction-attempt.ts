/** One attempt to handle a message inside of the service's database transaction: decode, validate, run the handler. */
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Span } from '../../telemetry/span.ts';
import { parseTraceparent } from '../../telemetry/trace-context.ts';
import type { Tracer } from '../../telemetry/tracer.ts';
import type { Outbox } from '../durable/outbox.ts';
import type { Transaction } from '../durable/transaction.ts';
import { type HandledEvent, InvalidPayload } from './attempt.ts';
import type { InHand, Message } from './message.ts';
import type { Positions } from './positions.ts';

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
  /** The publisher's own; undefined: the sequence counts. */
  readonly positions: Positions | undefined;
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
    const { positions } = this.#options;
    return positions ? positions.of(this.#decode(message)) : message.sequence;
  }

  /**
   * Runs the handler, unless the message is a repetition, and gives the message's position; undefined for a repetition. What it throws
   * undoes the message's write.
   *
   * @param last position before it.
   */
  run(message: InHand, last: number): number | undefined {
    const { outbox } = this.#options;
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
      const position = this.#positionOf(message, payload, last);
      if (position !== undefined) this.#handle(message, payload, trace, tx);
      return position;
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

  #positionOf(message: InHand, payload: unknown, last: number): number | undefined {
    const { positions } = this.#options;
    if (!positions) return message.sequence;
    const position = positions.of(payload);
    return positions.isRepetition(message.type, position, last) ? undefined : position;
  }

  #handle(message: InHand, payload: unknown, trace: Span, tx: Transaction): void {
    const { tracer, makeContext } = this.#options;
    const { handle } = message.handler;
    const context = makeContext({ message, trace, tx });
    const active = tracer.activeSpans;
    const result = active ? active.run(trace, handle, payload, context) : handle(payload, context);
    if (result instanceof Promise) throw this.#asynchronous(message, result);
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
