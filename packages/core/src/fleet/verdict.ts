/**
 * What the outcome of a request says about the instance and the operation. `answer`: they work, whatever the answer is.
 * `failure`: they do not. `nothing`: it was decided elsewhere (cancelled, refused for load, never sent).
 */
import type { FlotillaError } from '../errors/flotilla-error.ts';
import type { ExecutionData } from '../rpc/channel.ts';

export type Verdict = 'answer' | 'failure' | 'nothing';

/**
 * @param elapsedMs since the request was sent
 * @param patienceMs how long a caller has to wait for it to tell something that there was no answer; see `CircuitBreaker`
 */
export function verdictOf(error: FlotillaError, elapsedMs: number, patienceMs: number): Verdict {
  if (error.declared) return 'answer';
  if (neverSent(error)) return 'nothing';
  switch (error.code) {
    case 'cancelled':
    case 'overloaded':
    case 'resource_exhausted':
      return 'nothing';
    case 'deadline_exceeded':
      return elapsedMs < patienceMs ? 'nothing' : 'failure';
    case 'unavailable':
    case 'internal':
      return 'failure';
    default:
      return 'answer';
  }
}

/** Raised on this side of the wire, before the request left. */
function neverSent(error: FlotillaError): boolean {
  return !error.remote && (error.data as Partial<ExecutionData> | undefined)?.executed === 'no';
}

/** A dependency of the service failed, and the service passed that on: trying another instance of it does not help. */
export function isRelayed(error: FlotillaError): boolean {
  return error.remote && (error.data as { relayed?: unknown } | undefined)?.relayed === true;
}
