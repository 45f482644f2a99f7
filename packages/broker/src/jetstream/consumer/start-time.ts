/** Times as they stand in a consumer's configuration: RFC 3339, with up to nanoseconds. */

const RFC_3339 = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** In µs since 1970, rounded up, so that no message from before the time is at or after it. Undefined if malformed. */
export function readTimeUs(text: string): number | undefined {
  const [, seconds, fraction = '', zone] = RFC_3339.exec(text) ?? [];
  if (seconds === undefined || zone === undefined) return undefined;
  const ms = Date.parse(`${seconds}${zone}`.toUpperCase());
  if (Number.isNaN(ms)) return undefined;
  return ms * 1_000 + Math.ceil(Number(fraction.padEnd(9, '0')) / 1_000);
}
