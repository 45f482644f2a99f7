/** A queue of values with the time each has joined, in a ring that grows: first in, first out, but the last may give up its place. */

const firstSize = 16;

export class Line<T> {
  #values: (T | undefined)[] = new Array<T | undefined>(firstSize).fill(undefined);
  #times = new Float64Array(firstSize);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** When the first has joined. NaN when there is none. */
  get since(): number {
    return this.#length === 0 ? Number.NaN : this.#times[this.#head]!;
  }

  push(value: T, now: number): void {
    if (this.#length === this.#values.length) this.#grow();
    const at = this.#at(this.#length);
    this.#values[at] = value;
    this.#times[at] = now;
    this.#length++;
  }

  /** Takes the first. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const value = this.#values[this.#head];
    this.#values[this.#head] = undefined;
    this.#head = this.#at(1);
    this.#length--;
    return value;
  }

  /** Takes the last. */
  pop(): T | undefined {
    if (this.#length === 0) return undefined;
    this.#length--;
    const at = this.#at(this.#length);
    const value = this.#values[at];
    this.#values[at] = undefined;
    return value;
  }

  /** The size is a power of two. */
  #at(offset: number): number {
    return (this.#head + offset) & (this.#values.length - 1);
  }

  #grow(): void {
    const values = new Array<T | undefined>(this.#length * 2).fill(undefined);
    const times = new Float64Array(this.#length * 2);
    for (let n = 0; n < this.#length; n++) {
      values[n] = this.#values[this.#at(n)];
      times[n] = this.#times[this.#at(n)]!;
    }
    this.#values = values;
    this.#times = times;
    this.#head = 0;
  }
}
