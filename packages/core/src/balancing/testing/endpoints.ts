/** Instances for the tests of balancers: on a virtual clock, with a seeded random. */
import type { Candidate, ChoiceRequest } from '../candidate.ts';
import { PeakEwma } from '../peak-ewma.ts';

export class Endpoint implements Candidate {
  readonly id: string;
  readonly zone: string;
  readonly weight: number;
  readonly joinedAt: number;
  readonly latency = new PeakEwma();
  inFlight = 0;
  chosen = 0;

  constructor(id: string, given: Partial<Pick<Candidate, 'zone' | 'weight' | 'joinedAt' | 'inFlight'>> = {}) {
    this.id = id;
    this.zone = given.zone ?? 'local';
    this.weight = given.weight ?? 1;
    this.joinedAt = given.joinedAt ?? Number.NEGATIVE_INFINITY;
    this.inFlight = given.inFlight ?? 0;
  }

  latencyAt(now: number): number {
    return this.latency.at(now);
  }
}

export function endpoints(count: number, weights: readonly number[] = []): Endpoint[] {
  return Array.from({ length: count }, (_, i) => new Endpoint(`echo-${i + 1}`, { weight: weights[i] ?? 1 }));
}

export function request(changes: Partial<ChoiceRequest> = {}): ChoiceRequest {
  return { now: 0, random: seeded(1), key: undefined, slowStartMs: 0, ...changes };
}

/** Mulberry32: the same numbers in every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
