/** What a set of faults does to one call: pure, the dice are passed in. */
import { FlotillaError } from '../errors/flotilla-error.ts';
import type { PlatformCode } from '../errors/platform-codes.ts';
import type { ExecutionData } from '../rpc/channel.ts';
import { type Fault, isEdge } from './fault.ts';
import { hitsOperation } from './fault-book.ts';
import { formatFaultTarget } from './fault-text.ts';

export interface InjectedDelay {
  readonly fault: Fault;
  readonly ms: number;
}

/** Delays come first and add up; then the call fails, takes its connection with it, or goes on. */
export interface Injection {
  readonly delays: readonly InjectedDelay[];
  readonly end: ErrorFault | ResetFault | undefined;
}

export type ErrorFault = Extract<Fault, { kind: 'error' }>;
export type ResetFault = Extract<Fault, { kind: 'reset' }>;

/** Whether a fault is decided call by call; the others hold for connections or the process as a whole. */
export function hitsCalls(fault: Fault): boolean {
  if (fault.kind === 'latency' || fault.kind === 'error') return true;
  // A connection carries all operations: a fault of one operation can cut it only when that one is called.
  return (
    fault.kind === 'reset' &&
    (fault.rate !== undefined || (isEdge(fault.target) && fault.target.operation !== undefined))
  );
}

/**
 * @param faults those that hit this caller and callee, or this server
 * @param operation as on the wire; undefined where there is none
 * @param random in [0,1)
 * @returns undefined when the call goes through untouched
 */
export function planInjection(
  faults: readonly Fault[],
  operation: string | undefined,
  random: () => number,
): Injection | undefined {
  let delays: InjectedDelay[] | undefined;
  let end: Injection['end'];
  for (const fault of faults) {
    if (operation !== undefined && !hitsOperation(fault, operation)) continue;
    if (fault.kind === 'latency') {
      if (fault.rate !== undefined && random() >= fault.rate) continue;
      const jitterMs = fault.jitterMs ?? 0;
      const ms = fault.latencyMs + (jitterMs === 0 ? 0 : jitterMs * (2 * random() - 1));
      delays ??= [];
      delays.push({ fault, ms });
    } else if ((fault.kind === 'error' || fault.kind === 'reset') && end === undefined && hitsCalls(fault)) {
      if (fault.rate === undefined || random() < fault.rate) end = fault;
    }
  }
  if (delays === undefined && end === undefined) return undefined;
  return { delays: delays ?? [], end };
}

/**
 * What can be concluded from the real error about execution: an overloaded server refuses before it executes; whose
 * connection breaks, or whose time runs out, cannot know; the other codes are a server's answers.
 */
const executedByCode: Partial<Record<PlatformCode, ExecutionData['executed']>> = {
  overloaded: 'no',
  unavailable: 'unknown',
  deadline_exceeded: 'unknown',
  cancelled: 'unknown',
};

/**
 * The error of an injected failure: as the real one, with a message that says that it was injected. A caller takes an error
 * for the instance's answer, or it would count many of them as one lost connection.
 */
export function injectedError(fault: ErrorFault | ResetFault, subject: string): FlotillaError {
  const code = fault.kind === 'error' ? fault.code : 'unavailable';
  const executed = executedByCode[code];
  const message = `${subject}: injected by fault ${fault.id} on ${formatFaultTarget(fault.target)}`;
  return new FlotillaError(code, message, {
    ...(executed === undefined ? {} : { data: { executed } }),
    remote: fault.kind === 'error',
  });
}
