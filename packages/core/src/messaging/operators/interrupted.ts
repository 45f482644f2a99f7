/** A failure in the middle of something, which says how much had been done: that much is not done again. */
import { FlotillaError } from '../../errors/flotilla-error.ts';

export function interrupted(cause: unknown, done: number, what: string): unknown {
  if (done === 0 || !(cause instanceof FlotillaError)) return cause;
  return new FlotillaError(cause.code, `${cause.message} (${done} ${what})`, { data: cause.data, cause });
}
