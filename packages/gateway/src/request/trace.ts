/** Request ids, and the W3C trace context of a request (https://www.w3.org/TR/trace-context/). */

const requestIdPattern = /^[A-Za-z0-9._~+/=:-]{1,128}$/;
const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** The client's `X-Request-Id` where it is 1 to 128 harmless characters, else a new one. */
export function requestId(given: string | undefined, fresh: () => string): string {
  return given !== undefined && requestIdPattern.test(given) ? given : fresh();
}

/** The client's `traceparent` where it is a valid one of version 00, else a new, sampled one. */
export function traceparent(given: string | undefined, randomHex: (bytes: number) => string): string {
  if (given !== undefined) {
    const match = traceparentPattern.exec(given);
    if (match && !/^0+$/.test(match[1]!) && !/^0+$/.test(match[2]!)) return given;
  }
  return `00-${randomHex(16)}-${randomHex(8)}-01`;
}

/** The trace id within a traceparent. */
export function traceId(parent: string): string {
  return parent.slice(3, 35);
}
