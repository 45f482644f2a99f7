/** Numbers with their units, short enough for a table: three significant digits. */

/** `0.04 ms`, `12.4 ms`, `1.20 s`, `2.5 min`. */
export function milliseconds(ms: number): string {
  if (ms < 1_000) return `${digits(ms)} ms`;
  return ms < 60_000 ? `${digits(ms / 1_000)} s` : `${digits(ms / 60_000)} min`;
}

/** `83 MiB`, `1.20 GiB`. */
export function bytes(count: number): string {
  const mebibytes = count / 2 ** 20;
  return mebibytes < 1_000 ? `${digits(mebibytes)} MiB` : `${digits(mebibytes / 1024)} GiB`;
}

/** `0`, `0.42`, `7.3`, `1240`. */
export function digits(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** 0.031 → `3.1 %`. */
export function percent(share: number): string {
  return share === 0 ? '0 %' : `${digits(100 * share)} %`;
}
