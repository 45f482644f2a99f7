/** What a caller thinks of those it calls, over time. */
import type { FleetMember } from 'flotilla';

export type ResilienceReport = ReturnType<FleetMember['resilience']>;

/** From this moment on the subject is in this state. */
export interface Sighting {
  /** Unix milliseconds. */
  readonly at: number;
  /** An instance (`echo-1`) or an operation (`front.needy`). */
  readonly subject: string;
  /** Instances: `used`, `unused`. Operations: their breaker's state. */
  readonly state: string;
}

/** The states in a report, by subject. An instance is used while it is connected and neither ejected nor stalled. */
export function statesOf({ services }: ResilienceReport): Map<string, string> {
  const states = new Map<string, string>();
  for (const { service, instances, operations } of services) {
    for (const { instance, connection, ejectedForMs, stalled } of instances) {
      const used = connection === 'open' && ejectedForMs === 0 && !stalled;
      states.set(instance, used ? 'used' : 'unused');
    }
    for (const { operation, breaker } of operations) states.set(`${service}.${operation}`, breaker.state);
  }
  return states;
}

/** Keeps the changes of what it is shown. */
export class SightingLog {
  readonly sightings: Sighting[] = [];
  #known = new Map<string, string>();

  see(states: Map<string, string>, at: number): void {
    for (const [subject, state] of states) {
      if (this.#known.get(subject) !== state) this.sightings.push({ at, subject, state });
    }
    for (const subject of this.#known.keys()) {
      if (!states.has(subject)) this.sightings.push({ at, subject, state: 'unused' });
    }
    this.#known = states;
  }
}

/** How long after `since` the subject first was in that state; NaN: never. */
export function firstSeen(
  sightings: readonly Sighting[],
  subject: string,
  state: string,
  since: number,
): number {
  const found = sightings.find((one) => one.at >= since && one.subject === subject && one.state === state);
  return found ? found.at - since : Number.NaN;
}
