/**
 * Random numbers for trace and span ids: xoshiro128** (Blackman and Vigna, 2018), which costs a few nanoseconds a number
 * where the system's generator costs a microsecond. Ids have to be unique, not secret.
 */
import { getRandomValues } from 'node:crypto';

export class TraceIds {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed four numbers, not all zero; default: from the system's generator, so that processes differ. */
  constructor(seed: Uint32Array = getRandomValues(new Uint32Array(4))) {
    this.#a = seed[0]! | 0;
    this.#b = seed[1]! | 0;
    this.#c = seed[2]! | 0;
    this.#d = seed[3]! | 0;
    if ((this.#a | this.#b | this.#c | this.#d) === 0) this.#a = 1;
  }

  /** The next number, 32 bits, signed. */
  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** Like `next`, and never 0: one part that is not zero makes an id valid. */
  nextNonZero(): number {
    return this.next() || 1;
  }
}
