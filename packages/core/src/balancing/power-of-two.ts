/**
 * Power of two choices: of two candidates drawn at random the less loaded one takes the call (Mitzenmacher, "The Power of
 * Two Choices in Randomized Load Balancing", 2001). Load is calls in flight × peak EWMA of the latency, as in Finagle.
 *
 * Weight and slow start say how much a candidate's calls in flight count, how often it is drawn first, and how often it
 * then may take the call from a heavier one: with min(1, its weight ÷ the other's), as in the Metropolis algorithm, so
 * that between idle instances, where chance decides which latency is lower, the shares are the weights. They do not
 * multiply the latency: the lighter of two idle instances would then never get a call.
 *
 * A choice costs about 0.13 µs, most of it two exponentials and two random numbers, and allocates nothing.
 */
import type { Balancer, Candidate, ChoiceRequest } from './candidate.ts';
import { CandidateSet, SetCache } from './candidate-set.ts';

/** A candidate so many times less loaded takes the call whatever it weighs: the heavier one may be sick. */
const clearlyLess = 2;

export class PowerOfTwo implements Balancer {
  readonly #sets = new SetCache((candidates) => new CandidateSet(candidates));

  choose<C extends Candidate>(candidates: readonly C[], request: ChoiceRequest): C | undefined {
    const { length } = candidates;
    if (length <= 1) return candidates[0];
    const { now, random, slowStartMs } = request;
    const set = this.#sets.of(candidates);
    const first = set.draw(now, slowStartMs, random);
    const a = candidates[first]!;
    const b = candidates[(first + 1 + Math.floor(random() * (length - 1))) % length]!;
    const weightOfA = a.weight * set.share(a, now, slowStartMs);
    const weightOfB = b.weight * set.share(b, now, slowStartMs);
    const latencyOfA = a.latencyAt(now);
    const latencyOfB = b.latencyAt(now);
    let loadOfA = 1 + a.inFlight / weightOfA;
    let loadOfB = 1 + b.inFlight / weightOfB;
    // What has not answered yet is neither fast nor slow: calls in flight alone tell.
    if (latencyOfA > 0 && latencyOfB > 0) {
      loadOfA *= latencyOfA;
      loadOfB *= latencyOfB;
    }
    if (loadOfB >= loadOfA) return a;
    if (weightOfB >= weightOfA || loadOfB * clearlyLess < loadOfA) return b;
    return random() * weightOfA < weightOfB ? b : a;
  }
}
