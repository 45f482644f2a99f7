/**
 * What follows a failure of a handler: another attempt, and when, or a dead letter. A pure decision from the class of the error, so
 * that the broker's own redelivery, which knows neither errors nor backoff, is never relied on.
 */
import { FlotillaError } from '../../errors/flotilla-error.ts';
import type { DeadLetterReason } from '../topology.ts';

/**
 * `permanent`: a repetition gives the same. `transient`: what the handler needs is away or busy. `unexpected`: anything else, such
 * as a defect.
 */
export type ErrorClass = 'permanent' | 'transient' | 'unexpected';

export interface RetryRule {
  /** In all, with the first one. */
  readonly attempts: number;
  /** Before the second attempt, in milliseconds; it doubles each time. */
  readonly firstMs: number;
  readonly mostMs: number;
}

export interface RetryPolicy {
  readonly transient: RetryRule;
  readonly unexpected: RetryRule;
  readonly classify: (error: unknown) => ErrorClass;
}

/** What a subscription may say of it; the rest is as in {@link defaultRetryPolicy}. */
export interface RetryOptions {
  readonly transient?: Partial<RetryRule>;
  readonly unexpected?: Partial<RetryRule>;
  /** Puts an error into its class; undefined: as usual. */
  readonly classify?: (error: unknown) => ErrorClass | undefined;
}

export const defaultRetryPolicy: RetryPolicy = {
  transient: { attempts: 30, firstMs: 100, mostMs: 30_000 },
  unexpected: { attempts: 6, firstMs: 100, mostMs: 5_000 },
  classify: classOf,
};

/** A declared error and a platform code that is not retryable are answers; other errors of the platform pass. */
export function classOf(error: unknown): ErrorClass {
  if (!(error instanceof FlotillaError)) return 'unexpected';
  if (error.retryable) return 'transient';
  // A defect in a service that was called, or a call that was cancelled because this process stops.
  return error.code === 'internal' || error.code === 'cancelled' ? 'unexpected' : 'permanent';
}

export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  const { transient, unexpected, classify } = options;
  return {
    transient: { ...defaultRetryPolicy.transient, ...transient },
    unexpected: { ...defaultRetryPolicy.unexpected, ...unexpected },
    classify: (error) => classify?.(error) ?? classOf(error),
  };
}

export type AfterFailure =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason };

/**
 * @param attempt the one that failed, from 1.
 * @param random in [0, 1).
 */
export function afterFailure(
  policy: RetryPolicy,
  error: unknown,
  attempt: number,
  random: number,
): AfterFailure {
  const found = policy.classify(error);
  if (found === 'permanent') return { kind: 'dead-letter', reason: 'permanent' };
  const rule = policy[found];
  if (attempt >= rule.attempts) return { kind: 'dead-letter', reason: 'exhausted' };
  return { kind: 'retry', delayMs: delayOf(rule, error, attempt, random) };
}

/** Where nothing is ever given up: the wait before the next attempt, whatever the error. */
export function waitAfterFailure(
  policy: RetryPolicy,
  error: unknown,
  attempt: number,
  random: number,
): number {
  return delayOf(policy.transient, error, attempt, random);
}

/**
 * Half of the wait is fixed and half is random ("equal jitter" of the AWS Architecture Blog's "Exponential Backoff And Jitter"):
 * messages that failed together come back apart, and none at once. Never sooner than the error allows.
 */
function delayOf(rule: RetryRule, error: unknown, attempt: number, random: number): number {
  const full = Math.min(rule.mostMs, rule.firstMs * 2 ** Math.min(30, attempt - 1));
  const least = error instanceof FlotillaError ? (error.retryAfterMs ?? 0) : 0;
  return Math.max(least, full / 2 + random * (full / 2));
}
