/**
 * Durations as Go writes and reads them (`1h2m3.5s`, `100ms`), because the server puts them into texts and takes them
 * in a negative acknowledgement. In nanoseconds.
 */

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** Undefined when Go would not take it. */
export function readGoDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  if (digits === '0') return 0;
  if (digits === '') return undefined;
  let total = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < digits.length) {
    const [, amount, unit] = PART.exec(digits) ?? [];
    if (amount === undefined || unit === undefined) return undefined;
    total += Number(amount) * UNITS[unit]!;
  }
  return sign * Math.trunc(total);
}

export function showGoDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const ns = Math.abs(nanoseconds);
  if (ns < 1e9) {
    const unit = ns < 1e3 ? 'ns' : ns < 1e6 ? 'µs' : 'ms';
    return `${sign}${ns / UNITS[unit]!}${unit}`;
  }
  const hours = Math.floor(ns / 3600e9);
  const minutes = Math.floor((ns % 3600e9) / 60e9);
  const rest = ns % 60e9;
  const fraction = String(rest % 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const seconds = `${Math.floor(rest / 1e9)}${fraction === '' ? '' : `.${fraction}`}s`;
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}`;
}
