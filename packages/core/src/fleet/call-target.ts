/** What a call needs of the service it goes to: shared by all calls of this process to that service. */
import type { Bulkhead } from '../resilience/bulkhead.ts';
import type { CallPolicy } from '../resilience/policy.ts';
import type { RetryBudget } from '../resilience/retry-budget.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointPool } from './endpoint-pool.ts';
import type { PlannedRestarts } from './planned-restarts.ts';

/** A call that waits for its place in the bulkhead. */
export interface Entrant {
  /** It has its place. */
  entered(): void;
}

export interface CallTarget {
  readonly name: string;
  readonly pool: EndpointPool;
  readonly bulkhead: Bulkhead<Entrant>;
  readonly budget: RetryBudget;
  readonly hedgeBudget: RetryBudget;
  readonly restarts: PlannedRestarts;
  /** In [0, 1). */
  random(): number;
  /** Resolves when discovery has heard of everybody, or of an instance of this service. */
  settled(): Promise<void>;
  /** @param policy of the operation that is called */
  balance(
    candidates: readonly Endpoint[],
    now: number,
    key: string | undefined,
    policy: CallPolicy,
  ): Endpoint | undefined;
  /**
   * A call of its own has begun: for the budgets of retries and hedges.
   *
   * @param isHedged whether it is one of those that hedges are a share of
   */
  deposit(now: number, isHedged: boolean): void;
  /** A call has ended and gives its place to one that waits. */
  left(): void;
}
