/**
 * One service that this process calls: its instances, and what all calls to it share (bulkhead, retry budget,
 * balancing).
 */
import { type Balancer, type ChoiceRequest, createBalancer } from '../balancing/index.ts';
import { Bulkhead } from '../resilience/bulkhead.ts';
import type { BreakerState } from '../resilience/circuit-breaker.ts';
import type { Balancing, CallPolicy } from '../resilience/policy.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import type { CallOptions, CallReceiver } from '../rpc/channel.ts';
import { stallTickMs } from '../rpc/stall-watch.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import type { CallTarget, Entrant } from './call-target.ts';
import { CalledOperation } from './called-operation.ts';
import type { ClientMetrics } from './client-metrics.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointPool } from './endpoint-pool.ts';
import { OutgoingCall } from './outgoing-call.ts';
import type { PlannedRestarts } from './planned-restarts.ts';
import type { PolicyBook } from './policy-book.ts';

/** How often calls under way are looked through for those that have become slow. */
const watchMs = stallTickMs;

export interface CalledServiceOptions {
  readonly name: string;
  readonly policies: PolicyBook;
  readonly metrics: ClientMetrics;
  readonly tracer: Tracer;
  readonly restarts: PlannedRestarts;
  readonly random: () => number;
  /** Resolves when discovery has heard of everybody, or of an instance of this service. */
  readonly settled: () => Promise<void>;
  /** An operation is called for the first time. */
  readonly onOperation: (operation: CalledOperation) => void;
  readonly onBreakerChange: (operation: CalledOperation, from: BreakerState, to: BreakerState) => void;
}

export class CalledService implements CallTarget {
  readonly name: string;
  readonly pool: EndpointPool;
  readonly bulkhead: Bulkhead<Entrant>;
  readonly budget: RetryBudget;
  readonly hedgeBudget: RetryBudget;
  readonly random: () => number;
  readonly settled: () => Promise<void>;
  readonly restarts: PlannedRestarts;
  readonly #options: CalledServiceOptions;
  readonly #operations = new Map<string, CalledOperation>();
  /** One for all choices: balancers keep nothing of it. */
  readonly #request: ChoiceRequest;
  /** Of all operations that are balanced alike, so that they take turns together. */
  readonly #balancers: Partial<Record<Balancing, Balancer>> = {};
  #watch: NodeJS.Timeout | undefined;

  constructor(
    options: CalledServiceOptions,
    makePool: (policy: CallPolicy, service: CalledService) => EndpointPool,
  ) {
    const { name, policies, random, settled, restarts } = options;
    this.name = name;
    this.#options = options;
    this.random = random;
    this.settled = settled;
    this.restarts = restarts;
    const policy = policies.of(name);
    this.#request = { now: 0, random, key: undefined, slowStartMs: policy.slowStartMs };
    this.bulkhead = new Bulkhead(policy.bulkhead);
    this.budget = new RetryBudget(policy.retry.budget, policy.retry.reserve);
    this.hedgeBudget = new RetryBudget(policy.hedge.budget, 1);
    this.pool = makePool(policy, this);
  }

  get operations(): Iterable<CalledOperation> {
    return this.#operations.values();
  }

  call(id: string, payload: Uint8Array, options: CallOptions, receiver: CallReceiver): void {
    const now = performance.now();
    if (this.#watch === undefined) this.#startWatch();
    new OutgoingCall(this.operation(id), payload, options, receiver, now).begin(now);
  }

  operation(id: string): CalledOperation {
    let operation = this.#operations.get(id);
    if (!operation) {
      operation = this.#makeOperation(id);
      this.#operations.set(id, operation);
      this.#options.onOperation(operation);
    }
    return operation;
  }

  balance(
    candidates: readonly Endpoint[],
    now: number,
    key: string | undefined,
    { balancing, slowStartMs }: CallPolicy,
  ): Endpoint | undefined {
    if (candidates.length <= 1) return candidates[0];
    this.#request.now = now;
    this.#request.key = key;
    this.#request.slowStartMs = slowStartMs;
    this.#balancers[balancing] ??= createBalancer(balancing);
    return this.#balancers[balancing].choose(candidates, this.#request);
  }

  deposit(now: number, isHedged: boolean): void {
    this.budget.deposit(now);
    if (isHedged) this.hedgeBudget.deposit(now);
  }

  left(): void {
    const next = this.bulkhead.leave();
    // Not at once: a thousand that fail one after the other would each end on the stack of the one before.
    if (next) queueMicrotask(() => next.entered());
  }

  endpointStalled(endpoint: Endpoint): void {
    for (const { list } of this.#operations.values()) {
      for (const call of list) call.endpointStalled(endpoint);
    }
  }

  /**
   * An instance is left out for its failures, so they are no reason to break off the calls to the others as well: where few
   * calls are made, and between two instances, a breaker reaches its limit at the same moment.
   */
  endpointEjected(): void {
    for (const { breaker } of this.#operations.values()) breaker.forgiveFailures();
  }

  /** Policies have changed. */
  applyPolicies(): void {
    const { name, policies } = this.#options;
    const policy = policies.of(name);
    this.budget.share = policy.retry.budget;
    this.budget.reserve = policy.retry.reserve;
    this.hedgeBudget.share = policy.hedge.budget;
    this.pool.policy = policy;
    this.bulkhead.policy = policy.bulkhead;
    for (let next = this.bulkhead.next(); next; next = this.bulkhead.next()) next.entered();
    for (const operation of this.#operations.values()) operation.policy = policies.of(name, operation.name);
  }

  close(): void {
    clearInterval(this.#watch);
    this.pool.close();
  }

  #makeOperation(id: string): CalledOperation {
    const { name, policies, metrics, tracer, onBreakerChange } = this.#options;
    const method = id.slice(name.length + 1);
    const spans = tracer.template(`${name}/${method}`, 'client', {
      'rpc.system.name': 'flotilla',
      'rpc.method': `${name}/${method}`,
    });
    const policy = policies.of(name, method);
    return new CalledOperation(this, id, policy, metrics.operation(name, method), spans, onBreakerChange);
  }

  #startWatch(): void {
    this.#watch = setInterval(() => {
      const now = performance.now();
      let waiting = 0;
      for (const operation of this.#operations.values()) {
        waiting += operation.list.size;
        if (!this.restarts.underWay(now)) operation.countSlow(now);
      }
      if (waiting > 0) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
    }, watchMs).unref();
  }
}
