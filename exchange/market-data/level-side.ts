/** One side of an aggregated book: levels in order, best first. */
import type { Side } from './market-update.ts';

export type Level = readonly [price: number, quantity: number];

export class LevelSide {
  readonly #side: Side;
  /** Best first. */
  readonly #prices: number[] = [];
  readonly #quantities = new Map<number, number>();

  constructor(side: Side) {
    this.#side = side;
  }

  get size(): number {
    return this.#prices.length;
  }

  get best(): number | undefined {
    return this.#prices[0];
  }

  /** Sets the quantity at a price; 0 removes the level. */
  set(price: number, quantity: number): void {
    const known = this.#quantities.has(price);
    if (quantity > 0) {
      if (!known) this.#prices.splice(this.#position(price), 0, price);
      this.#quantities.set(price, quantity);
    } else if (known) {
      this.#prices.splice(this.#position(price), 1);
      this.#quantities.delete(price);
    }
  }

  /** The best `count` levels. */
  top(count: number): Level[] {
    return this.#prices.slice(0, count).map((price) => [price, this.#quantities.get(price)!]);
  }

  all(): Level[] {
    return this.top(this.#prices.length);
  }

  /** Index of `price`, or where it belongs. */
  #position(price: number): number {
    const before = this.#side === 'buy' ? (other: number) => other > price : (other: number) => other < price;
    let low = 0;
    let high = this.#prices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.#prices[middle]!)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
