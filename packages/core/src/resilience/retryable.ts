/**
 * Which failed calls may be tried again. Two reasons allow it: the operation is idempotent, or the error says that no
 * handler has seen the call (`data.executed` is `no`). Refusals of this process's own (an open breaker, a full bulkhead, the
 * throttle) are not for this function: they are decisions, and a retry would undo them.
 */

/** `free`: never reached a handler and costs no budget (gRPC's transparent retry), limited by the policy's attempts only. */
export type Retryability = 'free' | 'budget' | 'no';

export function mayRetry(
  error: { readonly code: string; readonly data?: unknown; readonly declared?: boolean },
  idempotent: boolean,
): Retryability {
  // A declared error is the service's answer.
  if (error.declared) return 'no';
  // deadline_exceeded is the caller's budget, which a retry does not refill; internal is a bug that will be there again.
  if (error.code !== 'unavailable' && error.code !== 'overloaded') return 'no';
  if (isNotExecuted(error.data)) return error.code === 'unavailable' ? 'free' : 'budget';
  return idempotent ? 'budget' : 'no';
}

function isNotExecuted(data: unknown): boolean {
  return typeof data === 'object' && data !== null && (data as { executed?: unknown }).executed === 'no';
}
