/** From a fleet configuration to the processes to run, and the order in which they start and stop. */

import type { Fleet } from '../config/schema.ts';

export type UnitKind = 'broker' | 'gateway' | 'service';

/** One line of the fleet: the broker, the gateway, or a service with its replicas. */
export interface Unit {
  readonly name: string;
  readonly kind: UnitKind;
  /** `ledger-1`, `ledger-2`, … */
  readonly instances: readonly string[];
  /** Units that must be ready before this one starts. */
  readonly after: readonly string[];
  /** Length of the longest chain of `after` that ends here. */
  readonly startRank: number;
  /** Units that must be gone before this one is told to stop: those that may still call it. */
  readonly stopsAfter: readonly string[];
  /** Distance from the units that stop first: when the time for a clean stop runs short, lower ranks get theirs first. */
  readonly stopRank: number;
}

export type Plan = readonly Unit[];

interface Draft {
  name: string;
  kind: UnitKind;
  replicas: number;
  after: readonly string[];
}

/** @param embeddedBroker False when the fleet uses an external NATS server. */
export function planOf(fleet: Fleet, embeddedBroker: boolean): Plan {
  const first = embeddedBroker ? ['broker'] : [];
  const drafts: Draft[] = Object.entries(fleet.services).map(([name, service]) => ({
    name,
    kind: 'service',
    replicas: service.replicas,
    after: [...first, ...service.after],
  }));
  if (fleet.gateway !== false) drafts.push({ name: 'gateway', kind: 'gateway', replicas: 1, after: first });
  if (embeddedBroker) drafts.unshift({ name: 'broker', kind: 'broker', replicas: 1, after: [] });
  return inOrder(drafts);
}

function inOrder(drafts: readonly Draft[]): Plan {
  const stopsAfter = new Map<string, string[]>();
  for (const { name, kind } of drafts) {
    const dependents = drafts.filter((other) => other.after.includes(name)).map((other) => other.name);
    // Every service may be behind the gateway: the edge closes first.
    if (kind === 'service' && drafts.some((other) => other.kind === 'gateway')) dependents.push('gateway');
    stopsAfter.set(name, dependents);
  }
  const after = new Map(drafts.map((draft) => [draft.name, draft.after]));
  const rank = (name: string, before: ReadonlyMap<string, readonly string[]>): number =>
    Math.max(-1, ...(before.get(name) ?? []).map((other) => rank(other, before))) + 1;
  return drafts.map(({ name, kind, replicas, after: first }) => ({
    name,
    kind,
    instances: Array.from({ length: replicas }, (_, index) => `${name}-${index + 1}`),
    after: first,
    stopsAfter: stopsAfter.get(name) ?? [],
    startRank: rank(name, after),
    stopRank: rank(name, stopsAfter),
  }));
}
