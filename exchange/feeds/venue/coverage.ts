/**
 * Which prices of a side a rebuilt book can vouch for.
 *
 * A snapshot tells all levels from the best down to its last one; a diff tells the level it names. Anything else is
 * not "empty" but unknown: Binance says of the levels beyond a snapshot that they appear only once they change, and a
 * recording that begins without a snapshot (a recorder that opens a new file each midnight writes such files) tells
 * nothing of the orders that already rested.
 */

import type { Side } from './book-side.ts';
import type { Level } from './message.ts';

export class Coverage {
  readonly #side: Side;
  /** Prices from the best to here are known from a snapshot. */
  #edge: number;
  /** Prices beyond the edge that a diff has named. */
  readonly #named = new Set<number>();
  /** Prices that no diff has named, learned from a book ticker. */
  readonly #learned = new Set<number>();

  constructor(side: Side) {
    this.#side = side;
    this.#edge = nothing(side);
  }

  /** Whether the book's quantity at this price, be it 0, is the venue's. */
  isKnown(price: number): boolean {
    return this.#inside(price) || this.#named.has(price) || this.#learned.has(price);
  }

  /** Whether all that is known of this price comes from a book ticker. */
  isLearned(price: number): boolean {
    return this.#learned.has(price);
  }

  nameByDiff(price: number): void {
    if (this.#inside(price)) return;
    this.#named.add(price);
    this.#learned.delete(price);
  }

  learn(price: number): void {
    this.#learned.add(price);
  }

  /** Starts again from a snapshot's levels, best first; without levels, from nothing. */
  restart(levels: readonly Level[]): void {
    this.#edge = levels.at(-1)?.[0] ?? nothing(this.#side);
    this.#named.clear();
    this.#learned.clear();
  }

  #inside(price: number): boolean {
    return this.#side === 'bid' ? price >= this.#edge : price <= this.#edge;
  }
}

function nothing(side: Side): number {
  return side === 'bid' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}
