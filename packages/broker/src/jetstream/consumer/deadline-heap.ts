/**
 * The earliest of many deadlines. Every deadline belongs to a small number that its owner chose (a slot) and can be
 * moved or dropped at any time. A binary heap that knows where each slot is: moving and dropping is logarithmic,
 * adding deadlines in ascending order costs constant time. Holds typed arrays only.
 */
const FIRST_CAPACITY = 16;

export class DeadlineHeap {
  #heap = new Int32Array(FIRST_CAPACITY);
  #size = 0;
  /** By slot: its deadline, and where in the heap it is plus one (0 for nowhere). */
  #deadlines = new Float64Array(FIRST_CAPACITY);
  #places = new Int32Array(FIRST_CAPACITY);

  get size(): number {
    return this.#size;
  }

  /** `Infinity` when there is none. */
  get earliest(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#deadlines[this.#heap[0]!]!;
  }

  /** The slot of the earliest deadline; -1 when there is none. */
  get first(): number {
    return this.#size === 0 ? -1 : this.#heap[0]!;
  }

  has(slot: number): boolean {
    return slot < this.#places.length && this.#places[slot]! > 0;
  }

  /** Adds a deadline or moves it. */
  set(slot: number, deadline: number): void {
    if (slot >= this.#places.length) this.#grow(slot + 1);
    this.#deadlines[slot] = deadline;
    const place = this.#places[slot]!;
    if (place === 0) {
      this.#rise(this.#size++, slot);
    } else {
      this.#sink(this.#rise(place - 1, slot), slot);
    }
  }

  drop(slot: number): void {
    if (!this.has(slot)) return;
    const place = this.#places[slot]! - 1;
    this.#places[slot] = 0;
    const last = this.#heap[--this.#size]!;
    if (last !== slot) this.#sink(this.#rise(place, last), last);
  }

  /** Puts the slot at `place` or above it; returns where. */
  #rise(place: number, slot: number): number {
    const deadline = this.#deadlines[slot]!;
    let at = place;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = this.#heap[above]!;
      if (this.#deadlines[other]! <= deadline) break;
      this.#put(at, other);
      at = above;
    }
    this.#put(at, slot);
    return at;
  }

  /** Puts the slot at `place` or below it. */
  #sink(place: number, slot: number): void {
    const deadline = this.#deadlines[slot]!;
    let at = place;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#size) break;
      const right = below + 1;
      if (right < this.#size && this.#deadlines[this.#heap[right]!]! < this.#deadlines[this.#heap[below]!]!) {
        below = right;
      }
      const other = this.#heap[below]!;
      if (this.#deadlines[other]! >= deadline) break;
      this.#put(at, other);
      at = below;
    }
    this.#put(at, slot);
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#places[slot] = place + 1;
  }

  #grow(atLeast: number): void {
    const capacity = Math.max(atLeast, this.#places.length * 2);
    const heap = new Int32Array(capacity);
    heap.set(this.#heap);
    this.#heap = heap;
    const deadlines = new Float64Array(capacity);
    deadlines.set(this.#deadlines);
    this.#deadlines = deadlines;
    const places = new Int32Array(capacity);
    places.set(this.#places);
    this.#places = places;
  }
}
