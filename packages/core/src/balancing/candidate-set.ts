/**
 * What can be computed once for an array of candidates, so that a choice among them does not have to: cumulated weights,
 * and when the oldest of them joined.
 */
import type { Candidate } from './candidate.ts';
import { slowStartShare } from './slow-start.ts';

/** Something derived from an array of candidates, made once for each array. */
export class SetCache<T> {
  readonly #derive: (candidates: readonly Candidate[]) => T;
  readonly #known = new WeakMap<readonly Candidate[], T>();
  #latest: readonly Candidate[] | undefined;
  #derived: T | undefined;

  constructor(derive: (candidates: readonly Candidate[]) => T) {
    this.#derive = derive;
  }

  of(candidates: readonly Candidate[]): T {
    if (candidates === this.#latest) return this.#derived as T;
    let derived = this.#known.get(candidates);
    if (derived === undefined) {
      derived = this.#derive(candidates);
      this.#known.set(candidates, derived);
    }
    this.#latest = candidates;
    this.#derived = derived;
    return derived;
  }
}

/** Draws at most so often until one that has its full share, or enough of it, comes up. */
const mostDraws = 16;

export class CandidateSet {
  readonly #candidates: readonly Candidate[];
  /** Sum of the weights up to and including each candidate; undefined where all weigh the same. */
  readonly #cumulated: Float64Array | undefined;
  readonly #oldest: number;

  constructor(candidates: readonly Candidate[]) {
    this.#candidates = candidates;
    const first = candidates[0]?.weight;
    this.#cumulated = candidates.every(({ weight }) => weight === first) ? undefined : cumulate(candidates);
    this.#oldest = candidates.reduce((oldest, { joinedAt }) => Math.min(oldest, joinedAt), Infinity);
  }

  /**
   * The share that a candidate has by its slow start, relative to the oldest candidate: where all are new, as when this
   * process itself has just begun, none is held back.
   */
  share(candidate: Candidate, now: number, slowStartMs: number): number {
    const share = slowStartShare(candidate.joinedAt, now, slowStartMs);
    return share === 1 ? 1 : share / slowStartShare(this.#oldest, now, slowStartMs);
  }

  /** An index, drawn by weight and slow start. */
  draw(now: number, slowStartMs: number, random: () => number): number {
    let index = this.#drawByWeight(random);
    for (let draws = 1; draws < mostDraws; draws++) {
      const share = this.share(this.#candidates[index]!, now, slowStartMs);
      if (share === 1 || random() < share) break;
      index = this.#drawByWeight(random);
    }
    return index;
  }

  #drawByWeight(random: () => number): number {
    const { length } = this.#candidates;
    const cumulated = this.#cumulated;
    if (!cumulated) return Math.floor(random() * length);
    return indexAt(cumulated, random() * cumulated[length - 1]!);
  }
}

function cumulate(candidates: readonly Candidate[]): Float64Array {
  const cumulated = new Float64Array(candidates.length);
  let sum = 0;
  for (let i = 0; i < candidates.length; i++) {
    sum += candidates[i]!.weight;
    cumulated[i] = sum;
  }
  return cumulated;
}

/** The first index whose cumulated weight is above `point`. */
function indexAt(cumulated: Float64Array, point: number): number {
  let low = 0;
  let high = cumulated.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulated[middle]! > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
