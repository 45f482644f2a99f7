/**
 * A stream on its way out. It is opened under the same policies as a call is made, except that what lives long takes no
 * place in the bulkhead; it fails, and does not move, when its instance goes away.
 */
import { type FlotillaError, platformError, toFlotillaError } from '../errors/flotilla-error.ts';
import { refused } from '../resilience/circuit-breaker.ts';
import { mayRetry } from '../resilience/retryable.ts';
import type { CallOptions } from '../rpc/channel.ts';
import type { CalledOperation } from './called-operation.ts';
import type { Endpoint } from './endpoint.ts';
import { isRelayed, verdictOf } from './verdict.ts';

export async function* openStream(
  operation: CalledOperation,
  payload: Uint8Array,
  options: CallOptions,
): AsyncIterableIterator<Buffer> {
  const tried: Endpoint[] = [];
  for (;;) {
    const endpoint = await instanceFor(operation, options, tried);
    const attempt = new StreamAttempt(operation, endpoint);
    try {
      yield* attempt.items(payload, options);
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
  hasStarted = false;

  constructor(operation: CalledOperation, endpoint: Endpoint) {
    this.#operation = operation;
    this.#endpoint = endpoint;
  }

  async *items(payload: Uint8Array, options: CallOptions): AsyncIterableIterator<Buffer> {
    const { breaker, metrics, id } = this.#operation;
    const startedAt = performance.now();
    const admission = breaker.admit(startedAt);
    if (admission === refused) throw this.#operation.circuitOpen(startedAt);
    const span = this.#operation.startSpan(options.trace, startedAt);
    span.set('server.address', this.#endpoint.id);
    metrics.sent('first');
    let reported = false;
    const report = (works: boolean | undefined) => {
      if (reported) return;
      reported = true;
      const now = performance.now();
      if (works === undefined) breaker.released(admission, now);
      else if (works) breaker.succeeded(admission, now - startedAt, now);
      else breaker.failed(admission, now);
    };
    let code = 'cancelled';
    try {
      const channel = this.#endpoint.channel;
      if (!channel) throw this.#operation.noInstance();
      for await (const item of channel.stream(id, payload, { ...options, trace: span })) {
        this.hasStarted = true;
        report(true);
        yield item;
      }
      report(true);
      code = 'ok';
    } catch (thrown) {
      const error = toFlotillaError(thrown);
      code = error.code;
      report(this.#judge(error, performance.now() - startedAt));
      span.fail(error.code, error.message);
      throw error;
    } finally {
      report(undefined);
      span.end();
      metrics.ended(code, performance.now() - startedAt);
    }
  }

  #judge(error: FlotillaError, elapsedMs: number): boolean | undefined {
    const verdict = verdictOf(error, elapsedMs, this.#operation.breaker.patienceMs);
    if (verdict === 'nothing') return undefined;
    if (verdict === 'answer') return true;
    if (!isRelayed(error)) this.#operation.service.pool.failed(this.#endpoint, performance.now());
    return false;
  }
}

/** An instance to open the stream on, as soon as there is one. */
async function instanceFor(
  operation: CalledOperation,
  { signal, routingKey, deadlineMs = Number.POSITIVE_INFINITY }: CallOptions,
  tried: readonly Endpoint[],
): Promise<Endpoint> {
  const { pool } = operation.service;
  const due = performance.now() + deadlineMs;
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
    const until = Math.min(pool.hopeUntil(operation.policy.waitMs), due);
    if (until <= now) throw operation.noInstance();
    await new Promise<void>((resolve) => {
      const waiter = { instanceCame: () => done() };
      const timer = setTimeout(() => done(), until - now);
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
