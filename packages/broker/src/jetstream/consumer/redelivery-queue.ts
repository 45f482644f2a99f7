/**
 * Sequences that wait to be delivered again, in the order in which they came to wait. A set that is read through one
 * long-lived iterator: taking from the front stays constant time however many were taken before.
 */
export class RedeliveryQueue {
  readonly #sequences = new Set<number>();
  #iterator: Iterator<number> | undefined;
  #front = 0;

  get size(): number {
    return this.#sequences.size;
  }

  has(sequence: number): boolean {
    return this.#sequences.has(sequence);
  }

  /** Nothing happens when it waits already. */
  add(sequence: number): void {
    this.#sequences.add(sequence);
  }

  delete(sequence: number): void {
    this.#sequences.delete(sequence);
    // It may be added again, and then stands at the end.
    if (sequence === this.#front) this.#front = 0;
  }

  /** The sequence at the front; 0 when there is none. */
  peek(): number {
    if (this.#sequences.size === 0) {
      this.#iterator = undefined;
      this.#front = 0;
      return 0;
    }
    while (!this.#sequences.has(this.#front)) this.#advance();
    return this.#front;
  }

  #advance(): void {
    this.#iterator ??= this.#sequences.values();
    const next = this.#iterator.next();
    if (next.done) this.#iterator = undefined;
    else this.#front = next.value;
  }
}
