/** The id by which a client and the log name a request. */

const requestIdPattern = /^[A-Za-z0-9._~+/=:-]{1,128}$/;

/** The client's `X-Request-Id` where it is 1 to 128 harmless characters, else a new one. */
export function requestId(given: string | undefined, fresh: () => string): string {
  return given !== undefined && requestIdPattern.test(given) ? given : fresh();
}
