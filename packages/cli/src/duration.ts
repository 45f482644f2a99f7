/** Times as people write them: `500ms`, `5s`, `1m`. */

const FACTORS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `500ms`, `5s`, `1m`, `1h` or `2d`; a bare number is milliseconds. Undefined for anything else, and for zero. */
export function durationOf(text: string): number | undefined {
  const [, amount, unit = 'ms'] = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const duration = Math.round(Number(amount) * (FACTORS[unit] ?? Number.NaN));
  return duration > 0 ? duration : undefined;
}

/** In the largest unit that leaves a short number: `1.5s`, `2m`. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const amount = ms / (FACTORS[unit] ?? 1);
    if (amount >= 1) return `${Math.round(amount * 10) / 10}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}
