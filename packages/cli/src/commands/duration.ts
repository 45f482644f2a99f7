/** Times on the command line. */

import { durationOf } from '../duration.ts';
import { Failure } from '../failure.ts';

/** Milliseconds of `500ms`, `5s` or `1m`; a bare number is milliseconds. */
export function parseDuration(text: string): number {
  const duration = durationOf(text);
  if (duration !== undefined) return duration;
  throw new Failure('usage', `"${text}" is not a time`, { repair: 'write it like 500ms, 5s or 1m' });
}
