/** A fault as an operator orders it, made into faults of this fleet: what names nothing here is refused with what does. */

import {
  type Fault,
  type FaultEffect,
  FlotillaError,
  formatFaultEffect,
  formatFaultTarget,
  isEdge,
  parseFaultEffect,
  parseFaultTarget,
  parseFaultTime,
} from 'flotilla';
import { Failure } from '../failure.ts';
import type { Plan, Unit } from '../supervision/plan.ts';

export interface FaultOrder {
  /** `ledger`, `ledger-2`, `risk->ledger.hold`. */
  readonly target: string;
  /** `latency=200ms±50`, `error=unavailable:30%`, …: one or more. */
  readonly effects: readonly string[];
  /** `60s`; default a minute. */
  readonly time?: string | undefined;
}

/** A fault that has no id yet. */
export type OrderedFault = FaultEffect & Pick<Fault, 'target' | 'expiresAt'>;

/** What `flotilla fault list` shows. */
export interface FaultView {
  readonly id: string;
  /** As it would be written. */
  readonly target: string;
  readonly fault: string;
  /** ISO 8601. */
  readonly until: string;
}

export const EXAMPLES =
  'flotilla fault add ledger latency=200ms±50 --for 60s, or flotilla fault add "risk->ledger" error=unavailable:30%';

/** @throws Failure `not_found` for what is not in this fleet, `usage` for what is not written as a fault is. */
export function faultsOf(order: FaultOrder, plan: Plan, now: number): OrderedFault[] {
  const names = plan.map((unit) => unit.name);
  if (order.target.endsWith('-')) {
    throw new Failure('usage', `"${order.target}" is half a target: the shell took the > for itself`, {
      repair: 'quote it, as in "risk->ledger", or write risk:ledger',
    });
  }
  try {
    const target = parseFaultTarget(order.target, names);
    requireThere(target, plan);
    const expiresAt = now + parseFaultTime(order.time);
    if (order.effects.length === 0) throw new Failure('usage', 'no fault is named', { repair: EXAMPLES });
    return order.effects.map((text) => {
      const effect = parseFaultEffect(text, target);
      requirePossible(effect.kind, target, order.target);
      // What is done at once does not last.
      return { ...effect, target, expiresAt: effect.kind === 'kill' ? now : expiresAt };
    });
  } catch (error) {
    if (error instanceof FlotillaError) throw refused(error, names);
    throw error;
  }
}

/** The core says what is wrong and, after a colon, how it is right. */
function refused(cause: FlotillaError, names: readonly string[]): Failure {
  const [, unknown] = /^there is no service '(.*)' in this fleet/.exec(cause.message) ?? [];
  if (unknown !== undefined) {
    const repair = `use one of ${names.join(', ')}`;
    return new Failure('not_found', `there is no service "${unknown}" in this fleet`, { cause, repair });
  }
  const [, message = cause.message, repair = `write it like ${EXAMPLES}`] =
    /^(.*?): (.*)$/s.exec(cause.message) ?? [];
  return new Failure('usage', message, { cause, repair });
}

function requireThere(target: Fault['target'], plan: Plan): void {
  const named = isEdge(target) ? [target.from, target.to] : [target.instance ?? target.service];
  for (const name of named) {
    if (plan.some((unit) => unit.name === name || unit.instances.includes(name))) continue;
    const unit = unitOf(name, plan);
    const known = unit === undefined ? plan.map((each) => each.name) : unit.instances;
    throw new Failure('not_found', `there is no instance "${name}" in this fleet`, {
      repair: `use one of ${known.join(', ')}`,
    });
  }
}

/** Faults are injected into calls, and into the gateway's requests; the broker's protocol is not wrapped. */
function requirePossible(kind: Fault['kind'], target: Fault['target'], text: string): void {
  const ofProcess = kind === 'pause' || kind === 'kill';
  if (isEdge(target)) {
    for (const name of ['broker', 'gateway']) {
      const isEnd = target.to.replace(/-\d+$/, '') === name;
      const isBroker = name === 'broker' && target.from.replace(/-\d+$/, '') === name;
      if (!isEnd && !isBroker) continue;
      throw new Failure('usage', `"${text}": no calls go ${isEnd ? 'to' : 'from'} the ${name}`, {
        repair:
          name === 'broker' ? 'use pause or kill on broker' : 'use gateway-><service>, or gateway itself',
      });
    }
    return;
  }
  if (target.service === 'broker' && !ofProcess) {
    const repair = 'use flotilla fault add broker pause, or kill';
    throw new Failure('usage', `${kind} cannot be injected into the broker`, { repair });
  }
}

function unitOf(name: string, plan: Plan): Unit | undefined {
  return plan.find((unit) => unit.name === name.replace(/-\d+$/, ''));
}

export function viewOf(fault: Fault): FaultView {
  const { id, target, expiresAt } = fault;
  return {
    id,
    target: formatFaultTarget(target),
    fault: formatFaultEffect(fault),
    until: new Date(expiresAt).toISOString(),
  };
}
