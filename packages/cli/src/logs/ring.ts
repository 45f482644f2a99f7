/** The last lines of a log, oldest first. */

export class Ring<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  last(count: number): T[] {
    const ordered = [...this.#items.slice(this.#next), ...this.#items.slice(0, this.#next)];
    return count >= ordered.length ? ordered : ordered.slice(ordered.length - count);
  }
}
