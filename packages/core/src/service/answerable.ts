/** Which errors go out of a service, and in what form. */
import { FlotillaError, toFlotillaError } from '../errors/flotilla-error.ts';
import { isPlatformCode, platformCodes } from '../errors/platform-codes.ts';
import type { ExecutionData } from '../rpc/channel.ts';

/** `data` of an error whose cause is a dependency's: to try another instance of this service, or to eject one, does not help. */
export interface RelayedData {
  readonly relayed: true;
}

/**
 * What the caller is told. An error declared by this operation, or a platform error raised here, goes as it is. An
 * error that a dependency answered is not this service's answer: unless trying again may help, it becomes `internal`.
 * Whether the dependency has executed its call says nothing of this one, which has begun, so that is not passed on.
 */
export function answerable(thrown: unknown, declared: ReadonlySet<string>): FlotillaError {
  const error = toFlotillaError(thrown);
  const isOfCall = error.remote || hasExecutionData(error);
  const isForeign = isOfCall
    ? !error.retryable && error.code !== 'cancelled'
    : error.declared && !declared.has(error.code);
  const answer = isForeign ? toFlotillaError(undefined) : error;
  return isOfCall ? relayed(answer) : answer;
}

/** Codes that blame the service, as opposed to those that are an answer. */
export function isServerFault(code: string): boolean {
  return isPlatformCode(code) && platformCodes[code].httpStatus >= 500;
}

function relayed(error: FlotillaError): FlotillaError {
  const { code, message, retryAfterMs, cause } = error;
  const data: RelayedData = { relayed: true };
  return new FlotillaError(code, message, {
    data,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Raised by the path of an outgoing call. */
function hasExecutionData({ data }: FlotillaError): boolean {
  return typeof data === 'object' && data !== null && (data as Partial<ExecutionData>).executed !== undefined;
}
