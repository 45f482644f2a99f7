/**
 * Deliver policy `last_per_subject`: the sequences that are delivered out of what was stored when the consumer was
 * created. After them it goes on with everything that was stored later.
 */

export class SkipList {
  /** Last sequence of the stream when the list was made. */
  readonly until: number;
  #sequences: readonly number[];
  #position = 0;

  /** @param sequences ascending. */
  constructor(sequences: readonly number[], until: number) {
    this.#sequences = sequences;
    this.until = until;
  }

  /** How many are left. */
  get size(): number {
    return this.#sequences.length - this.#position;
  }

  /** 0 when none is left. */
  get first(): number {
    return this.#sequences[this.#position] ?? 0;
  }

  removeFirst(): void {
    this.#position++;
  }

  /** Keeps those that are still stored. */
  retain(isStored: (sequence: number) => boolean): void {
    this.#sequences = this.#sequences.slice(this.#position).filter(isStored);
    this.#position = 0;
  }

  /** Whether a sequence is still to come. */
  has(sequence: number): boolean {
    let low = this.#position;
    let high = this.#sequences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sequences[middle]! < sequence) low = middle + 1;
      else high = middle;
    }
    return this.#sequences[low] === sequence;
  }
}
