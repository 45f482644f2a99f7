/** Rates on the command line. */

import { Failure } from '../failure.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** Per second, of `50/s`, `600/m` or a bare number. */
export function parseRate(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,7}(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text) ?? [];
  const perSecond = Number(count) / (SECONDS[unit] ?? Number.NaN);
  if (perSecond > 0) return perSecond;
  throw new Failure('usage', `--rate is "${text}", which is no rate`, {
    repair: 'write it like 50/s or 600/m',
  });
}
