/** Times of what is stored, for people. */

import { durationText } from '../duration.ts';

/**
 * `12s`, `3.5h`. What is in the future, by a clock that differs, is now.
 *
 * @param now Unix time in milliseconds.
 */
export function age(time: string | Date, now: number): string {
  const ms = now - new Date(time).getTime();
  return ms < 1_000 ? 'now' : durationText(ms);
}

/** `2026-05-01 14:00:00.123` in the time zone here: a form that commands take as well. */
export function instant(time: string | Date): string {
  const at = new Date(time);
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join('-');
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  return `${day} ${clock}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function two(part: number): string {
  return String(part).padStart(2, '0');
}
