/**
 * Structured logs: one JSON object a line on standard output, with time, level, service and instance, so that the
 * supervisor and any log collector can read them. Values under names that hold secrets are replaced.
 */
import { pino } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries `fields` as well. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly service: string;
  readonly instance: string;
  /** Default `info`. */
  readonly level?: LogLevel;
  /** Where lines go; default standard output, written at once so that the last words before a crash arrive. */
  readonly write?: (line: string) => void;
}

const secretNames = [
  'secret',
  'token',
  'password',
  'authorization',
  'credential',
  'credentials',
  'privateKey',
];

export function createLogger(options: LoggerOptions): Logger {
  const { service, instance, level = 'info', write } = options;
  const settings = {
    level,
    base: { service, instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretNames.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    serializers: { error: logged },
  };
  return adapt(pino(settings, write ? { write } : pino.destination({ fd: 1, sync: true })));
}

/** A logger that says nothing, for tests and for tools that only call. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

/**
 * An error as fields, with its causes. One that a retry may cure (a service is away, a deadline passed) tells of the
 * weather and not of a defect: where it was raised is of no use to anybody, so it goes without a stack.
 */
function logged(error: Error): object {
  const fields = pino.stdSerializers.errWithCause(error);
  return isRetryable(error) ? { ...fields, stack: undefined } : fields;
}

function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

function adapt(sink: pino.Logger): Logger {
  return {
    debug: (message, fields) => sink.debug(fields ?? {}, message),
    info: (message, fields) => sink.info(fields ?? {}, message),
    warn: (message, fields) => sink.warn(fields ?? {}, message),
    error: (message, fields) => sink.error(fields ?? {}, message),
    child: (fields) => adapt(sink.child(fields)),
  };
}
