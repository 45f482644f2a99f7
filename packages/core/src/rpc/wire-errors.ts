/** The errors that the wire itself raises, as opposed to those a server answers. */
import { type FlotillaError, platformError } from '../errors/index.ts';
import type { ExecutionData } from './channel.ts';

const NOT_EXECUTED: ExecutionData = { executed: 'no' };
const PERHAPS_EXECUTED: ExecutionData = { executed: 'unknown' };

/** The call certainly did not start, so anyone may repeat it. */
export function neverExecuted(
  code: 'unavailable' | 'overloaded' | 'cancelled' | 'deadline_exceeded',
  message: string,
  cause?: unknown,
): FlotillaError {
  return platformError(code, message, { data: NOT_EXECUTED, cause });
}

/** The request left; whether the call ran is not known. */
export function perhapsExecuted(
  code: 'unavailable' | 'cancelled' | 'deadline_exceeded',
  message: string,
  cause?: unknown,
): FlotillaError {
  return platformError(code, message, { data: PERHAPS_EXECUTED, cause });
}

/** Why a connection ended, for everyone who waits on it. */
export function connectionLost(message: string, cause?: unknown): FlotillaError {
  return platformError('unavailable', message, { cause });
}

/** Bodies of errors that are frozen, and so answered again as they are. */
const bodies = new WeakMap<FlotillaError, Buffer>();

/**
 * The JSON body of an ERROR frame of at most `maxBytes`: data that does not fit, or is no JSON, is left out. A frozen
 * error is encoded once.
 */
export function encodeError(error: FlotillaError, maxBytes: number): Buffer {
  const whole = bodies.get(error) ?? tryEncode(error);
  if (whole !== undefined && whole.length <= maxBytes) return whole;
  const { code, message, declared } = error;
  const short = { code, message: message.slice(0, 500), declared };
  return Buffer.from(JSON.stringify(short));
}

function tryEncode(error: FlotillaError): Buffer | undefined {
  try {
    const body = Buffer.from(JSON.stringify(error));
    if (Object.isFrozen(error)) bodies.set(error, body);
    return body;
  } catch {
    return undefined;
  }
}
