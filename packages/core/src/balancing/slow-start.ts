/**
 * Slow start: a new instance has cold caches, unoptimised code and empty pools, so its share grows with its age instead
 * of being full at once (Envoy's slow start mode with aggression 1: linear, from a tenth).
 */

/** Envoy's default `min_weight_percent`. */
const leastShare = 0.1;

/** From 0.1 when it joined to 1 after `slowStartMs`; 0: no slow start. */
export function slowStartShare(joinedAt: number, now: number, slowStartMs: number): number {
  const age = now - joinedAt;
  if (slowStartMs === 0 || age >= slowStartMs) return 1;
  return Math.max(leastShare, age / slowStartMs);
}
