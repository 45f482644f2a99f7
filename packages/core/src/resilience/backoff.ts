/** How long to wait before another try: "full jitter" of the AWS Architecture Blog's "Exponential Backoff And Jitter". */
import type { RetryPolicy } from './policy.ts';

/**
 * Milliseconds before try `tryNumber` (2 is the first retry), spread over all of 0 … min(maxMs, baseMs × 2ⁿ⁻²), so that
 * callers who failed together do not come back together.
 *
 * @param random in [0, 1)
 */
export function fullJitter(policy: RetryPolicy, tryNumber: number, random: number): number {
  return random * Math.min(policy.maxMs, policy.baseMs * 2 ** (tryNumber - 2));
}
