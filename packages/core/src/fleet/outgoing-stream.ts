/**
 * A stream on its way out. It is opened under the same policies as a call is made, except that what lives long takes no
 * place in the bulkhead; it fails, and does not move, when its instance goes away.
 */
import { type FlotillaError, platformError, toFlotillaError } from '../errors/flotilla-error.ts';
import { type Admission, refused } from '../resilience/circuit-breaker.ts';
import { mayRetry } from '../resilience/retryable.ts';
import type { CallOptions, Channel } from '../rpc/channel.ts';
import type { Span } from '../telemetry/span.ts';
import type { CalledOperation } from './called-operation.ts';
import type { Endpoint } from './endpoint.ts';

export async function* openStream(
  operation: CalledOperation,
  payload: Uint8Array,
  options: CallOptions,
): AsyncIterableIterator<Buffer> {
  const due = performance.now() + (options.deadlineMs ?? Number.POSITIVE_INFINITY);
  const tried: Endpoint[] = [];
  for (;;) {
    const endpoint = await instanceFor(operation, options, due, tried);
    const attempt = new StreamAttempt(operation, endpoint, options);
    try {
      yield* attempt.items(payload, options, due);
      return;
    } catch (error) {
      tried.push(endpoint);
      const again = !attempt.hasStarted && tried.length < operation.policy.retry.attempts;
      if (!again || mayRetry(error as FlotillaError, false) !== 'free') throw error;
    }
  }
}

class StreamAttempt {
  readonly #operation: CalledOperation;
  readonly #endpoint: Endpoint;
  readonly #channel: Channel | undefined;
  readonly #startedAt = performance.now();
  readonly #admission: Admission;
  readonly #span: Span;
  #isReported = false;
  hasStarted = false;

  constructor(operation: CalledOperation, endpoint: Endpoint, { trace }: CallOptions) {
    this.#operation = operation;
    this.#endpoint = endpoint;
    this.#channel = endpoint.channel;
    this.#admission = operation.breaker.admit(this.#startedAt);
    if (this.#admission === refused) throw operation.circuitOpen(this.#startedAt);
    this.#span = operation.startSpan(trace, this.#startedAt);
    this.#span.set('server.address', endpoint.id);
    operation.metrics.sent('first');
  }

  async *items(payload: Uint8Array, options: CallOptions, due: number): AsyncIterableIterator<Buffer> {
    const { metrics, id, breaker } = this.#operation;
    // A stream that has nothing to tell works, too. Or it would be a probe of the breaker, and keep others out, for hours.
    const works = setTimeout(() => this.#report(true), breaker.policy.slowMs).unref();
    let code = 'cancelled';
    try {
      const channel = this.#channel;
      if (!channel) throw this.#operation.noInstance();
      const deadlineMs = due === Number.POSITIVE_INFINITY ? undefined : due - performance.now();
      for await (const item of channel.stream(id, payload, { ...options, deadlineMs, trace: this.#span })) {
        this.hasStarted = true;
        this.#report(true);
        yield item;
      }
      this.#report(true);
      code = 'ok';
    } catch (thrown) {
      const error = toFlotillaError(thrown);
      code = error.code;
      this.#report(this.#judge(error));
      this.#span.fail(error.code, error.message);
      throw error;
    } finally {
      clearTimeout(works);
      this.#report(undefined);
      this.#span.end();
      metrics.ended(code, performance.now() - this.#startedAt);
    }
  }

  /** How long it takes until there is something to tell says nothing of the service. */
  #report(works: boolean | undefined): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const now = performance.now();
    const { breaker } = this.#operation;
    if (works === undefined) breaker.released(this.#admission);
    else if (works) breaker.succeeded(this.#admission, 0, now);
    else breaker.failed(this.#admission, now);
  }

  /** Whether the operation works, as far as its failure tells. */
  #judge(error: FlotillaError): boolean | undefined {
    // A deadline is when a stream is meant to end.
    if (error.code === 'deadline_exceeded' || !this.#channel) return undefined;
    const now = performance.now();
    const verdict = this.#operation.judge(this.#endpoint, this.#channel, error, now - this.#startedAt, now);
    return verdict === 'nothing' ? undefined : verdict === 'answer';
  }
}

/** An instance to open the stream on, as soon as there is one. */
async function instanceFor(
  operation: CalledOperation,
  { signal, routingKey }: CallOptions,
  due: number,
  tried: readonly Endpoint[],
): Promise<Endpoint> {
  const { pool } = operation.service;
  if (pool.size === 0 && !pool.wasKnown) await operation.service.settled();
  for (let waited = false; ; waited = true) {
    if (signal?.aborted) {
      throw platformError('cancelled', `${operation.id} was cancelled before it was sent`, {
        data: { executed: 'no' },
        cause: signal.reason,
      });
    }
    const now = performance.now();
    const endpoint = operation.choose(now, routingKey, tried.length > 0 ? tried : undefined);
    if (endpoint) {
      // A stream does not end for long: it makes room for the next that waits by having begun.
      if (waited) pool.ended();
      return endpoint;
    }
    if (due <= now) {
      throw platformError('deadline_exceeded', `${operation.id} was not opened within its deadline`, {
        data: { executed: 'no' },
      });
    }
    const until = Math.min(pool.hopeUntil(operation.policy.waitMs), due);
    if (until <= now) throw operation.noInstance();
    await new Promise<void>((resolve) => {
      const waiter = { instanceCame: () => done() };
      // A timer leaves out fractions of a millisecond, and may be early by one.
      const timer = setTimeout(() => done(), Math.ceil(until - now) + 1);
      const done = () => {
        clearTimeout(timer);
        pool.forget(waiter);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done);
      pool.await(waiter);
    });
  }
}
