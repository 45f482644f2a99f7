/**
 * One call on its way out, from the caller's request to its outcome, through the steps in which it can be refused, held,
 * sent, repeated and given up:
 *
 *     deadline → circuit breaker → throttle → bulkhead → instance (balanced) → request → retry or hedge → outcome
 *
 * Each step is a policy of its own (`resilience`, `balancing`); this file is the order in which they are asked, and what
 * their answers mean for the call.
 *
 * Hot path: one object per call and one per request; timers exist only for calls that wait.
 */
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';
import { fullJitter } from '../resilience/backoff.ts';
import { type Admission, refused } from '../resilience/circuit-breaker.ts';
import type { RetryBudget } from '../resilience/retry-budget.ts';
import { mayRetry } from '../resilience/retryable.ts';
import type {
  CallOptions,
  CallReceiver,
  CallResult,
  Channel,
  ExecutionData,
  SentCall,
} from '../rpc/channel.ts';
import type { Span } from '../telemetry/span.ts';
import type { ListedCall } from './call-list.ts';
import type { Entrant } from './call-target.ts';
import type { CalledOperation } from './called-operation.ts';
import type { Endpoint } from './endpoint.ts';
import type { InstanceWaiter } from './endpoint-pool.ts';
import { isRelayed, type Verdict } from './verdict.ts';

const notExecuted: ExecutionData = { executed: 'no' };
const perhapsExecuted: ExecutionData = { executed: 'unknown' };
/** A timer that is asked to wait for longer does not wait at all. */
const longestTimerMs = 0x7fff_ffff;

/** How long a call waits for others when all known instances break its contract, in milliseconds. */
const misfitWaitMs = 500;

export class OutgoingCall implements InstanceWaiter, Entrant, ListedCall {
  readonly operation: CalledOperation;
  /** Neighbours in the operation's list of calls under way, in the order of `sentAt`. */
  previous: ListedCall | undefined;
  next: ListedCall | undefined;
  /** When its latest request was sent, in milliseconds of `performance.now()`. */
  sentAt = 0;
  isCountedSlow = false;
  readonly #payload: Uint8Array;
  readonly #options: CallOptions;
  readonly #receiver: CallReceiver;
  readonly #startedAt: number;
  readonly #due: number;
  #admission: Admission = refused;
  #holdsPlace = false;
  #isQueued = false;
  #isListed = false;
  #settled = false;
  #tries = 0;
  /** Under way now: one request, or two while a hedge runs. */
  #request: Request | undefined;
  #hedge: Request | undefined;
  /** Instances that failed this call already: another one is tried if there is one. */
  #tried: Endpoint[] | undefined;
  /** At most one: for a queue, an instance, a backoff, or a hedge. */
  #timer: NodeJS.Timeout | undefined;
  #askedDiscovery = false;
  /** Some try may have been executed, whatever becomes of the others. */
  #mayHaveRun = false;

  constructor(
    operation: CalledOperation,
    payload: Uint8Array,
    options: CallOptions,
    receiver: CallReceiver,
    now: number,
  ) {
    this.operation = operation;
    this.#payload = payload;
    this.#options = options;
    this.#receiver = receiver;
    this.#startedAt = now;
    const { deadlineMs, longestMs } = operation.policy;
    this.#due = now + Math.min(options.deadlineMs ?? deadlineMs, longestMs);
  }

  get isIdempotent(): boolean {
    return this.#options.idempotent ?? false;
  }

  begin(now: number): void {
    const refusal = this.#admit(now);
    if (refusal) {
      this.#refuse(refusal);
      return;
    }
    const { service, policy } = this.operation;
    this.#options.signal?.addEventListener('abort', this);
    service.deposit(now, policy.hedge.enabled && this.isIdempotent);
    if (service.bulkhead.tryEnter()) {
      this.entered();
    } else if (service.bulkhead.enqueue(this)) {
      this.#isQueued = true;
      this.#arm(this.#due - now);
    } else {
      this.#refuse(this.operation.bulkheadFull());
    }
  }

  #admit(now: number): FlotillaError | undefined {
    const { operation } = this;
    const { breaker, throttle, service } = operation;
    if (this.#due <= now) return this.#late(now);
    if (this.#options.signal?.aborted) return this.#cancelled();
    this.#admission = breaker.admit(now);
    if (this.#admission === refused) return operation.circuitOpen(now);
    return throttle.admit(now, service.random()) ? undefined : operation.throttled();
  }

  /** It has its place in the bulkhead. */
  entered(): void {
    if (this.#settled) {
      this.operation.service.left();
      return;
    }
    this.#isQueued = false;
    this.#holdsPlace = true;
    this.#disarm();
    this.#try();
  }

  instanceCame(): void {
    this.#disarm();
    this.#try();
  }

  /** The caller's signal has aborted. */
  handleEvent(): void {
    this.#fail(this.#cancelled(), 'nothing');
  }

  /** It takes longer than is usual, and has not ended. */
  countSlow(now: number): void {
    this.isCountedSlow = true;
    this.operation.breaker.slow(this.#admission, now);
  }

  /** An instance has stopped answering at all: a call that may be repeated goes to another one, too. */
  endpointStalled(endpoint: Endpoint): void {
    if (this.#request?.endpoint === endpoint && this.isIdempotent)
      this.#hedgeNow(this.operation.service.budget);
  }

  #try(): void {
    if (this.#settled) return;
    const now = performance.now();
    if (now >= this.#due) {
      this.#fail(this.#late(now), 'nothing');
      return;
    }
    const endpoint = this.operation.choose(now, this.#options.routingKey, this.#tried);
    if (endpoint === undefined) {
      this.#awaitInstance(now);
      return;
    }
    this.#tries++;
    this.operation.metrics.sent(this.#tries === 1 ? 'first' : 'retry');
    this.#request = this.#send(endpoint, now, false);
    if (this.#tries === 1 && this.operation.policy.hedge.enabled && this.isIdempotent) this.#hedgeLater();
  }

  #send(endpoint: Endpoint, now: number, isHedge: boolean): Request | undefined {
    this.sentAt = now;
    if (this.#isListed) this.operation.list.remove(this);
    this.#isListed = true;
    this.operation.list.append(this);
    const { user, idempotencyKey, trace } = this.#options;
    const span = this.operation.startSpan(trace, now);
    span.set('server.address', endpoint.id);
    if (this.#tries > 1) span.set('flotilla.try', this.#tries);
    if (isHedge) span.set('flotilla.hedge', true);
    const channel = endpoint.channel!;
    const request = new Request(this, endpoint, channel, span, now);
    try {
      endpoint.sent(now);
      request.sent = channel.send(
        this.operation.id,
        this.#payload,
        { deadlineMs: this.#due - now, trace: span, user, idempotencyKey },
        request,
      );
      return request;
    } catch (error) {
      this.requestFailed(request, error as FlotillaError);
      return undefined;
    }
  }

  requestSucceeded(request: Request, result: CallResult): void {
    const now = performance.now();
    const latencyMs = now - request.startedAt;
    const { operation } = this;
    request.end(now);
    request.endpoint.answered(latencyMs, now);
    request.endpoint.outlier.succeeded(now);
    operation.throttle.accepted(now);
    if (operation.policy.hedge.enabled) operation.latencies.record(latencyMs);
    request.span.end(now);
    if (this.#settled) return;
    this.#report('answer', latencyMs, now);
    this.#settle(request, 'ok', now);
    this.#receiver.succeeded(result);
  }

  requestFailed(request: Request, error: FlotillaError): void {
    const now = performance.now();
    const elapsedMs = now - request.startedAt;
    request.end(now);
    const verdict = this.operation.judge(request.endpoint, request.channel, error, elapsedMs, now);
    if (verdict === 'answer') {
      request.endpoint.answered(elapsedMs, now);
      request.span.set('error.type', error.code);
    } else {
      request.span.fail(error.code, error.message);
    }
    request.span.end(now);
    if ((error.data as Partial<ExecutionData> | undefined)?.executed !== 'no') this.#mayHaveRun = true;
    if (this.#settled) return;
    if (verdict !== 'answer' && this.#leavesOther(request)) return;
    // What a dependency of the service failed is retried there, next to the failure, or not at all.
    const retry = isRelayed(error) ? 'no' : mayRetry(error, this.isIdempotent);
    if (retry !== 'no' && this.#retry(retry, request.endpoint, error, now)) return;
    this.#fail(error, verdict, elapsedMs);
  }

  /** Whether the outcome now depends on the call's other request. */
  #leavesOther(request: Request): boolean {
    if (request === this.#request) this.#request = this.#hedge;
    this.#hedge = undefined;
    return this.#request !== undefined;
  }

  #retry(kind: 'free' | 'budget', failed: Endpoint, error: FlotillaError, now: number): boolean {
    const { operation } = this;
    const { retry } = operation.policy;
    if (this.#tries >= retry.attempts) return false;
    let delayMs = 0;
    if (kind === 'budget') {
      if (operation.breaker.state === 'open') return false;
      // Not before the server wants it; and not all who were refused together at the same moment.
      delayMs = (error.retryAfterMs ?? 0) + fullJitter(retry, this.#tries + 1, operation.service.random());
      if (now + delayMs >= this.#due || !operation.service.budget.withdraw(now)) return false;
    }
    this.#tried ??= [];
    this.#tried.push(failed);
    operation.list.remove(this);
    this.#isListed = false;
    this.#disarm();
    // Also without a wait, the stack of the connection that reports the failure is left first.
    this.#arm(delayMs);
    return true;
  }

  #hedgeLater(): void {
    const { hedge } = this.operation.policy;
    const usualMs = this.operation.latencies.quantile(hedge.quantile);
    if (usualMs === undefined || this.#request === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#hedgeNow(this.operation.service.hedgeBudget);
      },
      Math.max(usualMs, hedge.minMs),
    );
  }

  /** Sends a second request to another instance, if there is one and the budget pays for it. */
  #hedgeNow(budget: RetryBudget): void {
    const first = this.#request?.endpoint;
    if (first === undefined || this.#hedge) return;
    const now = performance.now();
    const endpoint = this.operation.choose(now, this.#options.routingKey, [first]);
    if (endpoint === undefined || endpoint === first || !budget.withdraw(now)) return;
    this.operation.metrics.sent('hedge');
    this.#hedge = this.#send(endpoint, now, true);
  }

  #awaitInstance(now: number): void {
    const { operation } = this;
    const { pool } = operation.service;
    if (!this.#askedDiscovery && pool.size === 0 && !pool.wasKnown) {
      this.#askedDiscovery = true;
      this.#arm(this.#due - now);
      operation.service.settled().then(() => this.instanceCame());
      return;
    }
    const { waitMs } = operation.policy;
    // Others may be known in a moment, as when this process has just begun; a contract that breaks stays broken.
    const isMisfit = pool.incompatibility(operation.id) !== undefined;
    const until = Math.min(pool.hopeUntil(isMisfit ? Math.min(waitMs, misfitWaitMs) : waitMs), this.#due);
    if (until <= now) {
      this.#fail(operation.noInstance(), 'nothing');
    } else {
      pool.await(this);
      this.#arm(until - now);
    }
  }

  /** Goes on after a while: by then there is an instance, or the wait was in vain. */
  #arm(delayMs: number): void {
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#isQueued) this.#endQueueing(performance.now());
        else this.#endWaiting();
      },
      // Timers leave out fractions of a millisecond, and may be early by one.
      Math.min(Math.ceil(delayMs) + 1, longestTimerMs),
    );
  }

  #endQueueing(now: number): void {
    if (now < this.#due) this.#arm(this.#due - now);
    else this.#fail(this.#late(now), 'nothing');
  }

  #endWaiting(): void {
    // Or it would be woken for an instance while a request is under way already.
    this.operation.service.pool.forget(this);
    this.#try();
  }

  #disarm(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Ends a call for which nothing was sent. */
  #refuse(error: FlotillaError): void {
    const span = this.operation.startSpan(this.#options.trace, this.#startedAt);
    span.fail(error.code, error.message);
    span.end();
    this.#fail(error, 'nothing');
  }

  #fail(error: FlotillaError, verdict: Verdict, elapsedMs = 0): void {
    if (this.#settled) return;
    const now = performance.now();
    this.#report(verdict, elapsedMs, now);
    this.#settle(undefined, error.code, now);
    this.#receiver.failed(this.#mayHaveRun ? asPerhapsExecuted(error) : error);
  }

  #report(verdict: Verdict, latencyMs: number, now: number): void {
    const { breaker, service } = this.operation;
    if (this.#admission === refused) return;
    const excused = latencyMs >= breaker.slowAfterMs && service.restarts.underWay(now);
    if (this.isCountedSlow || verdict === 'nothing' || excused) breaker.released(this.#admission);
    else if (verdict === 'answer') breaker.succeeded(this.#admission, latencyMs, now);
    else breaker.failed(this.#admission, now);
  }

  /** @param winner the request that ended the call; others are given up. */
  #settle(winner: Request | undefined, code: string, now: number): void {
    this.#settled = true;
    this.#disarm();
    this.#options.signal?.removeEventListener('abort', this);
    if (this.#isListed) this.operation.list.remove(this);
    if (this.#request && this.#request !== winner) this.#request.giveUp(code, now);
    if (this.#hedge && this.#hedge !== winner) this.#hedge.giveUp(code, now);
    this.operation.metrics.ended(code, now - this.#startedAt);
    const { service } = this.operation;
    if (this.#holdsPlace) service.left();
    else if (this.#isQueued) service.bulkhead.remove(this);
    if (code !== 'ok') service.pool.forget(this);
    if (code !== 'overloaded') service.pool.ended();
  }

  #late(now: number): FlotillaError {
    const message =
      this.#tries === 0
        ? `was not sent within its deadline of ${Math.round(this.#due - this.#startedAt)} ms`
        : `was not answered within its deadline, after ${Math.round(now - this.#startedAt)} ms`;
    return platformError('deadline_exceeded', `${this.operation.id} ${message}`, { data: this.#execution });
  }

  #cancelled(): FlotillaError {
    return platformError('cancelled', `${this.operation.id} was cancelled by its caller`, {
      data: this.#execution,
      cause: this.#options.signal?.reason,
    });
  }

  /** Of what is under way now; what is known of earlier tries is added when the call fails. */
  get #execution(): ExecutionData {
    return this.#request ? perhapsExecuted : notExecuted;
  }
}

/** An error of the last try says nothing about those before it. */
function asPerhapsExecuted(error: FlotillaError): FlotillaError {
  if ((error.data as Partial<ExecutionData> | undefined)?.executed !== 'no') return error;
  const { code, message, retryAfterMs } = error;
  return new FlotillaError(code, message, {
    data: perhapsExecuted,
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** One request of a call, to one instance. */
export class Request implements CallReceiver {
  readonly #call: OutgoingCall;
  readonly endpoint: Endpoint;
  readonly channel: Channel;
  readonly span: Span;
  readonly startedAt: number;
  sent: SentCall | undefined;
  #hasEnded = false;

  constructor(call: OutgoingCall, endpoint: Endpoint, channel: Channel, span: Span, startedAt: number) {
    this.#call = call;
    this.endpoint = endpoint;
    this.channel = channel;
    this.span = span;
    this.startedAt = startedAt;
  }

  succeeded(result: CallResult): void {
    this.#call.requestSucceeded(this, result);
  }

  failed(error: FlotillaError): void {
    this.#call.requestFailed(this, error);
  }

  /** Its instance owes no answer to it any more. */
  end(now: number): void {
    this.#hasEnded = true;
    this.endpoint.ended(now);
  }

  /**
   * Its answer is not wanted any more, if it has not come yet.
   *
   * @param outcome of the call: another request's answer, or that nobody waits
   */
  giveUp(outcome: string, now: number): void {
    if (this.#hasEnded) return;
    this.sent?.cancel();
    this.end(now);
    this.span.set('flotilla.given_up', true);
    if (outcome === 'cancelled' || outcome === 'deadline_exceeded') this.span.set('error.type', outcome);
    this.span.end(now);
  }
}
