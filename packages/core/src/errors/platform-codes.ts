/**
 * The closed set of error codes that the platform itself uses. An operation adds its own, declared codes; nothing
 * else crosses a process boundary. `docs/errors.md` describes each code, and a test compares the two.
 */
export interface PlatformCodeInfo {
  /** Short human-readable name; the `title` of a problem detail (RFC 9457). */
  readonly title: string;
  /** Status at an HTTP edge. */
  readonly httpStatus: number;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
}

export const platformCodes = {
  invalid_argument: { title: 'Invalid argument', httpStatus: 400, retryable: false },
  unauthenticated: { title: 'Unauthenticated', httpStatus: 401, retryable: false },
  permission_denied: { title: 'Permission denied', httpStatus: 403, retryable: false },
  not_found: { title: 'Not found', httpStatus: 404, retryable: false },
  method_not_allowed: { title: 'Method not allowed', httpStatus: 405, retryable: false },
  conflict: { title: 'Conflict', httpStatus: 409, retryable: false },
  payload_too_large: { title: 'Payload too large', httpStatus: 413, retryable: false },
  unsupported_media_type: { title: 'Unsupported media type', httpStatus: 415, retryable: false },
  resource_exhausted: { title: 'Resource exhausted', httpStatus: 429, retryable: true },
  cancelled: { title: 'Cancelled', httpStatus: 499, retryable: false },
  internal: { title: 'Internal error', httpStatus: 500, retryable: false },
  unimplemented: { title: 'Not implemented', httpStatus: 501, retryable: false },
  unavailable: { title: 'Unavailable', httpStatus: 503, retryable: true },
  overloaded: { title: 'Overloaded', httpStatus: 503, retryable: true },
  deadline_exceeded: { title: 'Deadline exceeded', httpStatus: 504, retryable: true },
} as const satisfies Record<string, PlatformCodeInfo>;

export type PlatformCode = keyof typeof platformCodes;

/** Whether `code` is one of the platform's own codes (and not a declared one of some operation). */
export function isPlatformCode(code: string): code is PlatformCode {
  return Object.hasOwn(platformCodes, code);
}
