/**
 * Locality: calls stay in the caller's own zone while it has capacity enough for its callers.
 *
 * As in Envoy's zone-aware routing, callers are taken to be spread evenly over the zones; the zone's own instances are
 * enough while they have at least 1/1.4 of a fair share of all weight (Envoy's overprovisioning factor). Below it, as
 * when most of the zone's instances died, all zones serve alike: better across a zone than into an overloaded one.
 */
import type { Candidate } from './candidate.ts';

const overprovisioning = 1.4;

/**
 * Those candidates among which to choose: a new array, or `candidates` itself where the zone makes no difference. Call it
 * when the candidates change and not for each call: balancers remember what they know of an array.
 */
export function preferZone<C extends Candidate>(candidates: readonly C[], zone: string): readonly C[] {
  const local = candidates.filter((candidate) => candidate.zone === zone);
  if (local.length === 0 || local.length === candidates.length) return candidates;
  const zones = new Set(candidates.map((candidate) => candidate.zone));
  const fairShare = weigh(candidates) / zones.size;
  return weigh(local) * overprovisioning >= fairShare ? local : candidates;
}

function weigh(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { weight }) => sum + weight, 0);
}
