/**
 * How far a partition has come: a pure state machine. Messages are taken in order and end in any order; the checkpoint is the last
 * one that has ended with all before it.
 *
 * Sequences are those of the stream: they rise, with gaps where messages of other partitions lie.
 */
export class PartitionWindow {
  /** Taken and beyond the checkpoint, in order. */
  #taken: number[] = [];
  /** When each of them was stored. */
  #times: number[] = [];
  /** Index of the first of them that has not ended. */
  #head = 0;
  readonly #ended = new Set<number>();
  #checkpoint: number;

  /** @param checkpoint to begin with. */
  constructor(checkpoint: number) {
    this.#checkpoint = checkpoint;
  }

  get checkpoint(): number {
    return this.#checkpoint;
  }

  /** Messages taken and not below the checkpoint. */
  get size(): number {
    return this.#taken.length - this.#head;
  }

  /** Messages being handled. */
  get open(): number {
    return this.size - this.#ended.size;
  }

  /** When the oldest message that has not ended was stored; undefined when there is none. */
  get oldestTime(): number | undefined {
    return this.#times[this.#head];
  }

  /** @param sequence above all taken before. */
  take(sequence: number, time: number): void {
    this.#taken.push(sequence);
    this.#times.push(time);
  }

  /** A message has ended. Gives how many messages the checkpoint has moved over. */
  end(sequence: number): number {
    if (this.#taken[this.#head] !== sequence) {
      this.#ended.add(sequence);
      return 0;
    }
    const before = this.#head;
    this.#advance();
    while (this.#head < this.#taken.length && this.#ended.delete(this.#taken[this.#head]!)) this.#advance();
    const moved = this.#head - before;
    if (this.#head === this.#taken.length || this.#head > 1_024) this.#compact();
    return moved;
  }

  #compact(): void {
    this.#taken = this.#taken.slice(this.#head);
    this.#times = this.#times.slice(this.#head);
    this.#head = 0;
  }

  #advance(): void {
    this.#checkpoint = this.#taken[this.#head]!;
    this.#head += 1;
  }
}
