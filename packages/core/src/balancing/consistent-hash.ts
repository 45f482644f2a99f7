/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam, "Consistent Hashing with Bounded Loads",
 * 2016): calls with the same key go to the same instance, unless it has more than its share of the calls in flight;
 * then to the next one on the ring. So a hot key overflows to a neighbour, always the same, instead of drowning its owner.
 *
 * Slow start does not apply: it would move each key twice. A call without a key goes by power of two choices.
 */
import type { Balancer, Candidate, ChoiceRequest } from './candidate.ts';
import { SetCache } from './candidate-set.ts';
import { HashRing } from './hash-ring.ts';
import { PowerOfTwo } from './power-of-two.ts';

/** c: how far above the average the load of an instance may be. */
const loadFactor = 1.25;

export class ConsistentHash implements Balancer {
  readonly #rings = new SetCache((candidates) => new HashRing(candidates));
  readonly #keyless = new PowerOfTwo();

  choose<C extends Candidate>(candidates: readonly C[], request: ChoiceRequest): C | undefined {
    if (request.key === undefined) return this.#keyless.choose(candidates, request);
    if (candidates.length <= 1) return candidates[0];
    const ring = this.#rings.of(candidates);
    let position = ring.position(request.key);
    let candidate = candidates[ring.owner(position)]!;
    if (candidate.inFlight === 0) return candidate;
    let calls = 1;
    let weights = 0;
    for (let i = 0; i < candidates.length; i++) {
      calls += candidates[i]!.inFlight;
      weights += candidates[i]!.weight;
    }
    const perWeight = (loadFactor * calls) / weights;
    // The bounds add up to more than the calls there are, so somebody is below his.
    for (let steps = 1; steps < ring.size; steps++) {
      if (candidate.inFlight < Math.ceil(perWeight * candidate.weight)) break;
      position = position + 1 === ring.size ? 0 : position + 1;
      candidate = candidates[ring.owner(position)]!;
    }
    return candidate;
  }
}
