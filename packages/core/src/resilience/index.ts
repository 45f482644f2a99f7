export { fullJitter } from './backoff.ts';
export { Bulkhead } from './bulkhead.ts';
export {
  type Admission,
  type BreakerCounts,
  type BreakerListener,
  type BreakerState,
  CircuitBreaker,
  isProbe,
  refused,
} from './circuit-breaker.ts';
export { LatencyQuantile } from './latency-quantile.ts';
export { mayEject, OutlierDetector } from './outlier.ts';
export {
  type Balancing,
  type BreakerPolicy,
  type BulkheadPolicy,
  type CallPolicy,
  defaultPolicy,
  type EjectionPolicy,
  type HedgePolicy,
  type RetryPolicy,
  type ThrottlePolicy,
} from './policy.ts';
export {
  explainPolicy,
  type PolicyLayer,
  type PolicyRule,
  PolicyRules,
  type PolicySource,
  type PolicyValue,
  resolvePolicy,
} from './policy-rules.ts';
export { RetryBudget } from './retry-budget.ts';
export { mayRetry, type Retryability } from './retryable.ts';
export { Throttle } from './throttle.ts';
