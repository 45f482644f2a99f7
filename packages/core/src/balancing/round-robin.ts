/**
 * Round robin by weight and slow start, in nginx's smooth order: with weights 3 and 1 the calls go a, a, b, a and not
 * a, a, a, b. Each candidate gains credit by its weight at every call; the one with the most takes the call, and pays
 * with the credit that all have gained.
 */
import type { Balancer, Candidate, ChoiceRequest } from './candidate.ts';
import { SetCache } from './candidate-set.ts';
import { slowStartShare } from './slow-start.ts';

export class RoundRobin implements Balancer {
  readonly #credits = new SetCache(({ length }) => new Float64Array(length).fill(Number.NaN));

  choose<C extends Candidate>(candidates: readonly C[], request: ChoiceRequest): C | undefined {
    if (candidates.length <= 1) return candidates[0];
    const { now, slowStartMs } = request;
    const credits = this.#credits.of(candidates);
    if (Number.isNaN(credits[0])) this.#begin(candidates, credits, request.random);
    let total = 0;
    let richest = 0;
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]!;
      const gain = candidate.weight * slowStartShare(candidate.joinedAt, now, slowStartMs);
      total += gain;
      credits[i]! += gain;
      if (credits[i]! > credits[richest]!) richest = i;
    }
    credits[richest]! -= total;
    return candidates[richest];
  }

  /** Each process begins at another place: else the first instance would get the first call of everybody. */
  #begin(candidates: readonly Candidate[], credits: Float64Array, random: () => number): void {
    for (let i = 0; i < credits.length; i++) credits[i] = random() * candidates[i]!.weight;
  }
}
