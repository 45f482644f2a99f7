/** Random choice by weight and slow start. */
import type { Balancer, Candidate, ChoiceRequest } from './candidate.ts';
import { CandidateSet, SetCache } from './candidate-set.ts';

export class RandomChoice implements Balancer {
  readonly #sets = new SetCache((candidates) => new CandidateSet(candidates));

  choose<C extends Candidate>(candidates: readonly C[], request: ChoiceRequest): C | undefined {
    if (candidates.length <= 1) return candidates[0];
    return candidates[this.#sets.of(candidates).draw(request.now, request.slowStartMs, request.random)];
  }
}
