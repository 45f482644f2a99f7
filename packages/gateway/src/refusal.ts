/** An error that the gateway itself raises. Unlike an error of a service it knows its place in the HTTP request. */
import { FlotillaError, type PlatformCode } from 'flotilla';

/** One fault of a request: a member of `errors` in a problem detail. */
export interface FieldError {
  readonly in: 'path' | 'query' | 'header' | 'body';
  /** Name of the path field, query parameter or header. */
  readonly parameter?: string;
  /** JSON pointer (RFC 6901) into the body. */
  readonly pointer?: string;
  readonly detail: string;
}

export interface RefusalOptions {
  /** An HTTP status more specific than the one of the code. */
  readonly status?: number;
  readonly errors?: readonly FieldError[];
  /** Response headers, as pairs. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export class Refusal extends FlotillaError<PlatformCode> {
  readonly status: number | undefined;
  readonly errors: readonly FieldError[];
  readonly headers: readonly (readonly [string, string])[];

  constructor(code: PlatformCode, detail: string, options: RefusalOptions = {}) {
    super(code, detail, {
      cause: options.cause,
      ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
    });
    this.status = options.status;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? [];
  }
}

/** A request that must not be interpreted, because two readers could understand it differently. */
export function ambiguous(detail: string): Refusal {
  return new Refusal('invalid_argument', detail);
}

/** A fault of one named parameter. */
export function badParameter(place: 'path' | 'query' | 'header', parameter: string, detail: string): Refusal {
  return new Refusal('invalid_argument', `${place} parameter '${parameter}': ${detail}`, {
    errors: [{ in: place, parameter, detail }],
  });
}
