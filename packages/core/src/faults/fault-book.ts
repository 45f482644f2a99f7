/**
 * The faults that hold now. Pure: it is told the time, and answers what has begun and ended; who it hits is decided by the
 * two functions below.
 */
import type { Peer } from '../rpc/channel.ts';
import { type Fault, isEdge, MAX_FAULT_MS } from './fault.ts';

export interface FaultChange {
  readonly begun: readonly Fault[];
  readonly ended: readonly Fault[];
}

const NOTHING: FaultChange = { begun: [], ended: [] };

export class FaultBook {
  #faults: readonly Fault[] = [];

  /** The faults that hold: replaced, never changed. */
  get active(): readonly Fault[] {
    return this.#faults;
  }

  /** When the next of them ends: Unix time in milliseconds; Infinity when none holds. */
  get nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { expiresAt } of this.#faults) if (expiresAt < next) next = expiresAt;
    return next;
  }

  /**
   * Replaces all faults. One that has expired never begins, one that asks for more than an hour gets an hour, and one that is
   * known by its id goes on as it is.
   */
  set(faults: readonly Fault[], now: number): FaultChange {
    const known = new Map(this.#faults.map((fault) => [fault.id, fault]));
    const wanted = new Map<string, Fault>();
    for (const fault of faults) {
      if (fault.expiresAt > now) wanted.set(fault.id, known.get(fault.id) ?? bounded(fault, now));
    }
    const ended = this.#faults.filter(({ id }) => !wanted.has(id));
    const begun = [...wanted.values()].filter(({ id }) => !known.has(id));
    if (begun.length === 0 && ended.length === 0) return NOTHING;
    this.#faults = [...wanted.values()];
    return { begun, ended };
  }

  /** Ends what has had its time. */
  expire(now: number): FaultChange {
    if (now < this.nextExpiry) return NOTHING;
    return this.set(this.#faults, now);
  }
}

function bounded(fault: Fault, now: number): Fault {
  const latest = now + MAX_FAULT_MS;
  return fault.expiresAt <= latest ? fault : { ...fault, expiresAt: latest };
}

/** Whether a fault hits a process itself: the service, or this instance of it. */
export function hitsProcess({ target }: Fault, self: Peer): boolean {
  if (isEdge(target)) return false;
  return (
    target.service === self.service && (target.instance === undefined || target.instance === self.instance)
  );
}

/** Whether a fault hits calls from one process to another; to which operations, `hitsOperation` says. */
export function hitsEdge({ target }: Fault, from: Peer, to: Peer): boolean {
  return isEdge(target) && isEnd(target.from, from) && isEnd(target.to, to);
}

/** @param operation as on the wire, `service.operation`. */
export function hitsOperation({ target }: Fault, operation: string): boolean {
  if (!isEdge(target) || target.operation === undefined) return true;
  const { length } = target.operation;
  return operation.endsWith(target.operation) && operation[operation.length - length - 1] === '.';
}

function isEnd(name: string, { service, instance }: Peer): boolean {
  return name === service || name === instance;
}
