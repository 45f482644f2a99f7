/** Times as people write them in options: a number of milliseconds, or `500ms`, `5s`, `10m`, `1h`, `7d`. */
import { platformError } from '../errors/flotilla-error.ts';

export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const factors: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * In milliseconds.
 *
 * @param what names the option in the error.
 * @throws FlotillaError `invalid_argument` for what is no time, or a negative one.
 */
export function millisecondsOf(duration: Duration, what: string): number {
  if (typeof duration === 'number') {
    if (duration >= 0 && Number.isFinite(duration)) return duration;
  } else {
    const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(duration) ?? [];
    if (amount !== undefined) return Number(amount) * factors[unit]!;
  }
  throw platformError(
    'invalid_argument',
    `${what}: '${duration}' is no time; write milliseconds as a number, or 500ms, 5s, 10m, 1h, 7d`,
  );
}
