/**
 * The one error class that crosses process boundaries. What callers may see is `code`, `message`, `data` and
 * `retryAfterMs`; `cause` is for the logs of the process that raised it and is never sent.
 */
import { isPlatformCode, type PlatformCode, platformCodes } from './platform-codes.ts';

export interface FlotillaErrorOptions<Data = unknown> {
  /** Structured facts for the caller; must be JSON. */
  readonly data?: Data;
  /** Milliseconds after which a retry makes sense. */
  readonly retryAfterMs?: number;
  /** What led to this error. Stays in this process. */
  readonly cause?: unknown;
}

/** The JSON form of an error on the wire. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
  readonly retryAfterMs?: number;
  /** True for an error that the operation's contract declares. */
  readonly declared?: boolean;
}

export class FlotillaError<Code extends string = string, Data = unknown> extends Error {
  override readonly name = 'FlotillaError';
  readonly code: Code;
  readonly data: Data;
  readonly retryAfterMs: number | undefined;
  /** True when `code` is declared by the operation's contract, false for a platform code. */
  readonly declared: boolean;
  /** True when a peer answered with this error, false when this process raised it. */
  readonly remote: boolean;

  constructor(
    code: Code,
    message: string,
    options: FlotillaErrorOptions<Data> & { declared?: boolean; remote?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data as Data;
    this.retryAfterMs = options.retryAfterMs;
    this.declared = options.declared ?? false;
    this.remote = options.remote ?? false;
  }

  toJSON(): ErrorDocument {
    return {
      code: this.code,
      message: this.message,
      ...(this.data === undefined ? {} : { data: this.data }),
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(this.declared ? { declared: true } : {}),
    };
  }

  /** Whether the same call may succeed later. A declared error is an answer, so it is not retryable. */
  get retryable(): boolean {
    return isPlatformCode(this.code) && platformCodes[this.code].retryable;
  }
}

/** Raises nothing: builds an error with a platform code. */
export function platformError<Code extends PlatformCode>(
  code: Code,
  message: string,
  options?: FlotillaErrorOptions,
): FlotillaError<Code> {
  return new FlotillaError(code, message, options);
}

/**
 * Any thrown value as a FlotillaError. A foreign error becomes `internal` with a message that tells the caller
 * nothing about this process; the original is kept as `cause` for the log.
 */
export function toFlotillaError(thrown: unknown): FlotillaError {
  if (thrown instanceof FlotillaError) return thrown;
  return new FlotillaError('internal', 'the service failed to handle the call; its log has the cause', {
    cause: thrown,
  });
}

/** Reads the wire form. A document of the wrong shape is itself an `internal` error. */
export function errorFromDocument(document: unknown): FlotillaError {
  if (typeof document === 'object' && document !== null) {
    const { code, message, data, retryAfterMs, declared } = document as Partial<ErrorDocument>;
    if (typeof code === 'string' && typeof message === 'string') {
      return new FlotillaError(code, message, {
        data,
        ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
        declared: declared === true,
        remote: true,
      });
    }
  }
  return new FlotillaError('internal', 'the peer answered with an error of an unknown form', {
    cause: document,
  });
}
