/** One operation that this process calls: its policy, its breaker, its throttle, and what is under way. */
import { type FlotillaError, platformError } from '../errors/flotilla-error.ts';
import { type BreakerState, CircuitBreaker } from '../resilience/circuit-breaker.ts';
import { LatencyQuantile } from '../resilience/latency-quantile.ts';
import type { EffectivePolicy } from '../resilience/policy-rules.ts';
import { Throttle } from '../resilience/throttle.ts';
import type { Channel } from '../rpc/channel.ts';
import type { Span } from '../telemetry/span.ts';
import type { TraceContext } from '../telemetry/trace-context.ts';
import type { SpanTemplate } from '../telemetry/tracer.ts';
import { CallList } from './call-list.ts';
import type { CallTarget } from './call-target.ts';
import type { OperationMetrics } from './client-metrics.ts';
import type { Endpoint } from './endpoint.ts';
import { isRelayed, type Verdict, verdictOf } from './verdict.ts';

const notExecuted = { executed: 'no' };

export class CalledOperation {
  readonly service: CallTarget;
  /** As on the wire: `ledger.hold`. */
  readonly id: string;
  readonly breaker: CircuitBreaker;
  /** Of its own, since operations differ in priority: a service refuses the low ones first, and the high ones hardly ever. */
  readonly throttle: Throttle;
  readonly metrics: OperationMetrics;
  readonly latencies = new LatencyQuantile();
  readonly list = new CallList();
  readonly #spans: SpanTemplate;
  #policy: EffectivePolicy;

  constructor(
    service: CallTarget,
    id: string,
    policy: EffectivePolicy,
    metrics: OperationMetrics,
    spans: SpanTemplate,
    onBreakerChange: (operation: CalledOperation, from: BreakerState, to: BreakerState) => void,
  ) {
    this.service = service;
    this.id = id;
    this.#policy = policy;
    this.metrics = metrics;
    this.#spans = spans;
    this.breaker = new CircuitBreaker(policy.breaker, (from, to) => onBreakerChange(this, from, to));
    this.throttle = new Throttle(policy.throttle);
  }

  /** Its name within the service. */
  get name(): string {
    return this.id.slice(this.service.name.length + 1);
  }

  get policy(): EffectivePolicy {
    return this.#policy;
  }

  set policy(policy: EffectivePolicy) {
    this.#policy = policy;
    this.breaker.policy = policy.breaker;
    this.throttle.policy = policy.throttle;
  }

  startSpan(parent: TraceContext | undefined, now: number): Span {
    return this.#spans.startBelowActive(parent, now);
  }

  /** @param tried instances to be avoided while there are others. */
  choose(now: number, key: string | undefined, tried: readonly Endpoint[] | undefined): Endpoint | undefined {
    const all = this.service.pool.candidates(this.id);
    if (tried === undefined) return this.service.balance(all, now, key, this.#policy);
    const others = all.filter((endpoint) => !tried.includes(endpoint));
    return this.service.balance(others.length > 0 ? others : all, now, key, this.#policy);
  }

  /** Tells the records of an instance, and the throttle, what the failure of a request says of them. */
  judge(endpoint: Endpoint, channel: Channel, error: FlotillaError, elapsedMs: number, now: number): Verdict {
    const verdict = verdictOf(error, elapsedMs, this.breaker.patienceMs);
    if (verdict === 'answer') {
      endpoint.outlier.succeeded(now);
    } else if (verdict === 'failure' && !isRelayed(error)) {
      const isLoss = error.code === 'unavailable' && !error.remote;
      if (isLoss && !endpoint.isFirstLossOf(channel)) return 'nothing';
      this.service.pool.failed(endpoint, now);
    }
    if (error.remote && error.code === 'overloaded' && !isRelayed(error)) this.throttle.refused(now);
    else if (error.remote) this.throttle.accepted(now);
    return verdict;
  }

  /** Calls that have become slow without having ended. */
  countSlow(now: number): void {
    const slowSince = now - this.breaker.slowAfterMs;
    for (const call of this.list) {
      if (call.sentAt > slowSince) return;
      if (!call.isCountedSlow) call.countSlow(now);
    }
  }

  circuitOpen(now: number): FlotillaError {
    const why = this.breaker.forced ? 'an operator holds it open' : 'too many calls failed or were slow';
    return platformError('unavailable', `${this.id} is not called: its circuit breaker is open, ${why}`, {
      data: notExecuted,
      retryAfterMs: Math.ceil(this.breaker.retryAfterMs(now)),
    });
  }

  throttled(): FlotillaError {
    return platformError('overloaded', `${this.id} is not called: ${this.service.name} is overloaded`, {
      data: notExecuted,
      retryAfterMs: 1_000,
    });
  }

  bulkheadFull(): FlotillaError {
    const { concurrency, queue } = this.service.bulkhead.policy;
    const message = `${this.id} is not called: ${concurrency} calls to ${this.service.name} are under way and ${queue} wait`;
    return platformError('overloaded', message, { data: notExecuted, retryAfterMs: 1_000 });
  }

  noInstance(): FlotillaError {
    const { name, pool } = this.service;
    const misfit = pool.incompatibility(this.id);
    const why =
      misfit !== undefined
        ? `no running instance keeps the contract this process was built with (${misfit})`
        : pool.size === 0
          ? 'no instance is running'
          : 'no instance answers';
    return platformError('unavailable', `${name} is unavailable: ${why}`, { data: notExecuted });
  }
}
