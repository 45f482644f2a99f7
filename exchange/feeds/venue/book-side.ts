/**
 * One side of a book: quantities by price, ordered so that the best level is the last of an array and nearly all
 * changes, which happen near the best, move few elements.
 */

import type { Level } from './message.ts';

export type Side = 'bid' | 'ask';

export class BookSide {
  readonly side: Side;
  readonly #quantities = new Map<number, number>();
  /** Prices times {@link #sign}, ascending: the best is the last. */
  readonly #keys: number[] = [];
  readonly #sign: 1 | -1;

  constructor(side: Side) {
    this.side = side;
    this.#sign = side === 'bid' ? 1 : -1;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The best price, or undefined for an empty side. */
  get bestPrice(): number | undefined {
    const key = this.#keys.at(-1);
    return key === undefined ? undefined : key * this.#sign;
  }

  /** The quantity at a price; 0 where there is no level. */
  quantityAt(price: number): number {
    return this.#quantities.get(price) ?? 0;
  }

  /** Sets the quantity of a level, 0 removes it. Returns whether that changed anything. */
  set(price: number, quantity: number): boolean {
    const before = this.#quantities.get(price);
    if (before === undefined ? quantity === 0 : before === quantity) return false;
    if (before !== undefined && quantity !== 0) {
      this.#quantities.set(price, quantity);
      return true;
    }
    const key = price * this.#sign;
    const index = this.#position(key);
    if (before === undefined) {
      this.#keys.splice(index, 0, key);
      this.#quantities.set(price, quantity);
    } else {
      this.#keys.splice(index, 1);
      this.#quantities.delete(price);
    }
    return true;
  }

  clear(): void {
    this.#quantities.clear();
    this.#keys.length = 0;
  }

  /** The levels, best first; at most `depth` of them. */
  levels(depth = Number.POSITIVE_INFINITY): Level[] {
    const levels: Level[] = [];
    for (let index = this.#keys.length - 1; index >= 0 && levels.length < depth; index--) {
      const price = this.#keys[index]! * this.#sign;
      levels.push([price, this.quantityAt(price)]);
    }
    return levels;
  }

  /** Where `key` is, or would be. */
  #position(key: number): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
