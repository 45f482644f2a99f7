/** Numbers with their units, short enough for a table: three significant digits. */

/** `0.04 ms`, `12.4 ms`, `1.20 s`, `2.5 min`. */
export function milliseconds(ms: number): string {
  if (ms < 1_000) return `${digits(ms)} ms`;
  return ms < 60_000 ? `${digits(ms / 1_000)} s` : `${digits(ms / 60_000)} min`;
}

/** `512 B`, `83 MiB`, `1.20 GiB`. */
export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let amount = count / 1024;
  while (amount >= 1_000 && units.length > 1) {
    amount /= 1024;
    units.shift();
  }
  return `${digits(amount)} ${units[0]}`;
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
