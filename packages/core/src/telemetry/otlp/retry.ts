/** When a request to a collector is tried again, by the OTLP specification ("OTLP/HTTP Response", "Throttling"). */
import type { PostOutcome } from './http-post.ts';

export interface RetryTimes {
  /** The wait before the second try is about this long, and doubles up to `maxMs`. */
  readonly baseMs: number;
  readonly maxMs: number;
}

/** A collector that asks for more than this is asked again all the same. */
const longestAsked = 5 * 60_000;

const retryableStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/**
 * Milliseconds until the next try, or undefined when there must not be one. Without an answer (no connection, cut off,
 * too slow) a request is tried again.
 *
 * @param tries how many were made.
 * @param random in [0, 1): waits are between half and all of what they could be, so that processes do not march in step.
 */
export function retryDelay(
  outcome: PostOutcome,
  tries: number,
  { baseMs, maxMs }: RetryTimes,
  random: number,
  nowMs: number,
): number | undefined {
  if (outcome.status !== undefined && !retryableStatuses.has(outcome.status)) return undefined;
  const asked = outcome.status === undefined ? undefined : readRetryAfter(outcome.retryAfter, nowMs);
  if (asked !== undefined) return Math.min(asked, longestAsked);
  const longest = Math.min(maxMs, baseMs * 2 ** (tries - 1));
  return (longest / 2) * (1 + random);
}

/** RFC 9110 §10.2.3: seconds, or a date. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = header.endsWith(' GMT') ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
