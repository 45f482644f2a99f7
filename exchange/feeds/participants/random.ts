/**
 * Seeded chance: the same seed gives the same run on every machine. xoshiro128** (Blackman and Vigna, "Scrambled
 * linear pseudorandom number generators") seeded by splitmix32 over a hash of the seed text.
 */

const TWO_32 = 2 ** 32;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Different texts give independent sequences: derive one per participant from a common seed and its name. */
  constructor(seed: string) {
    const next = splitMix(hash(seed));
    this.#a = next();
    this.#b = next();
    this.#c = next();
    // The state of all zeros is the one that never leaves itself.
    this.#d = next() || 1;
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return result;
  }

  /** A whole number from 0 to `bound` - 1, all equally likely; `bound` from 1 to 2^32. */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > TWO_32) {
      throw new RangeError(`bound is ${bound}: give a whole number from 1 to 2^32`);
    }
    const fair = TWO_32 - (TWO_32 % bound);
    for (;;) {
      const value = this.uint32();
      if (value < fair) return value % bound;
    }
  }

  /** A whole number from `low` to `high`, both possible. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True in `percent` of a hundred cases. */
  percent(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** A waiting time in whole ms, at least 1, of events that come independently of each other, `mean` ms apart. */
  waitMs(mean: number): number {
    return Math.max(1, Math.round(-Math.log(1 - this.uint32() / TWO_32) * mean));
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}

function splitMix(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
}
