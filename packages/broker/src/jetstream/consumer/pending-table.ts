/**
 * Messages that were delivered and are not acknowledged: in order of their sequence, with the time at which each is to
 * be delivered again. Typed arrays and one map of numbers, about 100 bytes a message; no object for any of them.
 *
 * It also knows which rows the store has to be told of; see `changes`.
 */
import { DeadlineHeap } from './deadline-heap.ts';

const FIRST_CAPACITY = 16;
const NONE = -1;
/** The store has a row for it. */
const STORED = 1;
/** It differs from its row, or has none, and is in the list of changes. */
const CHANGED = 2;

export interface PendingMessage {
  readonly sequence: number;
  readonly consumerSequence: number;
  readonly time: number;
}

export class PendingTable {
  readonly #slots = new Map<number, number>();
  readonly #deadlines = new DeadlineHeap();
  #sequences = new Float64Array(FIRST_CAPACITY);
  #consumerSequences = new Float64Array(FIRST_CAPACITY);
  #times = new Float64Array(FIRST_CAPACITY);
  /** The chain of messages by sequence; free slots are chained by `#after` too. */
  #before = new Int32Array(FIRST_CAPACITY);
  #after = new Int32Array(FIRST_CAPACITY);
  #flags = new Uint8Array(FIRST_CAPACITY);
  #head = NONE;
  #tail = NONE;
  #free = NONE;
  #used = 0;
  #changed: number[] = [];
  #gone: number[] = [];

  get size(): number {
    return this.#slots.size;
  }

  /** The lowest sequence; 0 when empty. */
  get lowest(): number {
    return this.#head === NONE ? 0 : this.#sequences[this.#head]!;
  }

  /** When the next one is to be delivered again; `Infinity` when none waits for that. */
  get deadline(): number {
    return this.#deadlines.earliest;
  }

  has(sequence: number): boolean {
    return this.#slots.has(sequence);
  }

  /** Under which number of the consumer it was delivered first; 0 when it is not there. */
  consumerSequenceOf(sequence: number): number {
    const slot = this.#slots.get(sequence);
    return slot === undefined ? 0 : this.#consumerSequences[slot]!;
  }

  /** When it was delivered last, in ms; 0 when it is not there. */
  timeOf(sequence: number): number {
    const slot = this.#slots.get(sequence);
    return slot === undefined ? 0 : this.#times[slot]!;
  }

  /** Sequences are usually added in ascending order, which costs constant time. */
  add(sequence: number, consumerSequence: number, time: number, deadline: number): void {
    const slot = this.#take();
    this.#slots.set(sequence, slot);
    this.#sequences[slot] = sequence;
    this.#consumerSequences[slot] = consumerSequence;
    this.#flags[slot] = 0;
    let before = this.#tail;
    while (before !== NONE && this.#sequences[before]! > sequence) before = this.#before[before]!;
    this.#link(slot, before);
    this.touch(sequence, time, deadline);
  }

  /** The clock of one message starts again. `Infinity` stops it. */
  touch(sequence: number, time: number, deadline: number): void {
    const slot = this.#slots.get(sequence);
    if (slot === undefined) return;
    this.#times[slot] = time;
    if (deadline === Number.POSITIVE_INFINITY) this.#deadlines.drop(slot);
    else this.#deadlines.set(slot, deadline);
    if ((this.#flags[slot]! & CHANGED) !== 0) return;
    this.#flags[slot]! |= CHANGED;
    this.#changed.push(sequence);
  }

  /** Takes the first message whose deadline has come out of the clock; 0 when there is none. It stays pending. */
  expire(now: number): number {
    if (this.#deadlines.earliest > now) return 0;
    const slot = this.#deadlines.first;
    this.#deadlines.drop(slot);
    return this.#sequences[slot]!;
  }

  /** The rules have changed: the message is due at another time. */
  reschedule(sequence: number, deadline: number): void {
    const slot = this.#slots.get(sequence);
    if (slot !== undefined) this.#deadlines.set(slot, deadline);
  }

  /** The message will be delivered again without regard to the clock. */
  stopClock(sequence: number): void {
    const slot = this.#slots.get(sequence);
    if (slot !== undefined) this.#deadlines.drop(slot);
  }

  /** False when it was not there. */
  remove(sequence: number): boolean {
    const slot = this.#slots.get(sequence);
    if (slot === undefined) return false;
    this.#slots.delete(sequence);
    this.#deadlines.drop(slot);
    this.#unlink(slot);
    if ((this.#flags[slot]! & STORED) !== 0) this.#gone.push(sequence);
    this.#after[slot] = this.#free;
    this.#free = slot;
    return true;
  }

  /** The messages in ascending order. None may be removed meanwhile. */
  *[Symbol.iterator](): Generator<PendingMessage> {
    for (let sequence = this.lowest; sequence !== 0; sequence = this.next(sequence)) {
      const slot = this.#slots.get(sequence)!;
      yield {
        sequence,
        consumerSequence: this.#consumerSequences[slot]!,
        time: this.#times[slot]!,
      };
    }
  }

  /** The lowest sequence above one that is pending; 0 when there is none. */
  next(sequence: number): number {
    const slot = this.#slots.get(sequence);
    const after = slot === undefined ? NONE : this.#after[slot]!;
    return after === NONE ? 0 : this.#sequences[after]!;
  }

  /** What the store has been told, by loading it from there. */
  markStored(sequence: number): void {
    const slot = this.#slots.get(sequence);
    if (slot !== undefined) this.#flags[slot] = STORED;
  }

  /**
   * What the store has to be told since the last call, after which it is taken to know: rows of messages that are
   * pending, and rows that are obsolete. A message that came and went in between is in neither.
   */
  changes(changed: (message: PendingMessage) => void, gone: (sequence: number) => void): void {
    const rows = this.#changed;
    const obsolete = this.#gone;
    this.#changed = [];
    this.#gone = [];
    for (const sequence of obsolete) {
      if (!this.#slots.has(sequence)) gone(sequence);
    }
    for (const sequence of rows) {
      const slot = this.#slots.get(sequence);
      if (slot === undefined || (this.#flags[slot]! & CHANGED) === 0) continue;
      this.#flags[slot] = STORED;
      changed({
        sequence,
        consumerSequence: this.#consumerSequences[slot]!,
        time: this.#times[slot]!,
      });
    }
  }

  #link(slot: number, before: number): void {
    const after = before === NONE ? this.#head : this.#after[before]!;
    this.#before[slot] = before;
    this.#after[slot] = after;
    if (before === NONE) this.#head = slot;
    else this.#after[before] = slot;
    if (after === NONE) this.#tail = slot;
    else this.#before[after] = slot;
  }

  #unlink(slot: number): void {
    const before = this.#before[slot]!;
    const after = this.#after[slot]!;
    if (before === NONE) this.#head = after;
    else this.#after[before] = after;
    if (after === NONE) this.#tail = before;
    else this.#before[after] = before;
  }

  #take(): number {
    if (this.#free !== NONE) {
      const slot = this.#free;
      this.#free = this.#after[slot]!;
      return slot;
    }
    if (this.#used === this.#sequences.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const capacity = this.#sequences.length * 2;
    this.#sequences = copied(new Float64Array(capacity), this.#sequences);
    this.#consumerSequences = copied(new Float64Array(capacity), this.#consumerSequences);
    this.#times = copied(new Float64Array(capacity), this.#times);
    this.#before = copied(new Int32Array(capacity), this.#before);
    this.#after = copied(new Int32Array(capacity), this.#after);
    this.#flags = copied(new Uint8Array(capacity), this.#flags);
  }
}

function copied<A extends Float64Array | Int32Array | Uint8Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
