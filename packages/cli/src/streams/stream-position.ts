/** Places in a stream, as people write them: a sequence, a time, or how long ago. */

import { durationOf } from '../duration.ts';
import { Failure } from '../failure.ts';

export type StreamPosition = { readonly sequence: number } | { readonly time: Date };

const HOW = 'write a sequence (1200), a time (2026-05-01T12:00:00Z) or how long ago (5m)';

/**
 * `1200` is a sequence, `5m` that long before `now`, anything else a time of RFC 3339 (without a zone: here).
 *
 * @param option for messages, such as `--from`.
 * @throws Failure `usage`
 */
export function parsePosition(option: string, text: string, now: number): StreamPosition {
  if (/^\d{1,15}$/.test(text)) return { sequence: Number(text) };
  return { time: parseTime(option, text, now, HOW) };
}

/** A time, or how long ago. */
export function parseTime(
  option: string,
  text: string,
  now: number,
  repair = 'write a time (2026-05-01T12:00:00Z) or how long ago (5m)',
): Date {
  const ago = /[a-z]$/.test(text) ? durationOf(text) : undefined;
  if (ago !== undefined) return new Date(now - ago);
  const time = /^\d{4}-\d\d-\d\d([T ]|$)/.test(text) ? new Date(text) : undefined;
  if (time !== undefined && !Number.isNaN(time.getTime())) return time;
  throw new Failure('usage', `${option} is "${text}", which is no place in a stream`, { repair });
}
