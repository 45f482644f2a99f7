/** Times in the form in which nats-server writes them: RFC 3339, as many digits as are needed. */

/** What Go writes for a time that is not set. */
export const NO_TIME = '0001-01-01T00:00:00Z';

/** @param us µs since 1970; 0 for a time that is not set. */
export function timestamp(us: number): string {
  if (us === 0) return NO_TIME;
  const seconds = Math.floor(us / 1_000_000);
  const fraction = String(us - seconds * 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`;
}
