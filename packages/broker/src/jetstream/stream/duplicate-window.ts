/**
 * The message ids that a stream has seen within its window. An id is kept as 64 bits of hash in flat arrays, 32 bytes
 * an entry, because a window of two minutes at full speed holds millions of them. Whoever finds one compares with the
 * stored message before believing it, so a collision of hashes is not taken for a duplicate.
 *
 * Entries arrive in the order of time and leave from the front: a ring of entries, and an open-addressing table from
 * hash to entry.
 */

/** Bytes of one entry in a snapshot: two halves of the hash, sequence, time. */
export const ENTRY_BYTES = 24;
const SMALLEST = 64;
/** An empty window that is larger gives its memory back. */
const KEPT = 4096;
const EMPTY = 0xffffffff;

export class DuplicateWindow {
  #windowUs: number;
  #capacity = SMALLEST;
  #high = new Uint32Array(SMALLEST);
  #low = new Uint32Array(SMALLEST);
  #sequences = new Float64Array(SMALLEST);
  #times = new Float64Array(SMALLEST);
  /** Slot of the table → entry. Twice as many slots as entries, so that probing stays short. */
  #table = new Uint32Array(SMALLEST * 2).fill(EMPTY);
  #head = 0;
  #size = 0;
  /** Entries from here on have not been taken by `takeNew`, counted from `#head`. */
  #fresh = 0;
  #hashHigh = 0;
  #hashLow = 0;

  constructor(windowUs: number) {
    this.#windowUs = windowUs;
  }

  get size(): number {
    return this.#size;
  }

  get windowUs(): number {
    return this.#windowUs;
  }

  set windowUs(windowUs: number) {
    this.#windowUs = windowUs;
  }

  /** The sequence under which an id was stored within the window; undefined when it was not. */
  find(id: string, nowUs: number): number | undefined {
    this.expire(nowUs);
    if (this.#size === 0) return undefined;
    this.#hash(id);
    const slot = this.#slotOf(this.#hashHigh, this.#hashLow);
    const entry = this.#table[slot]!;
    return entry === EMPTY ? undefined : this.#sequences[entry];
  }

  /** Remembers an id. An id that is there already gets the new sequence and time. */
  add(id: string, sequence: number, timeUs: number): void {
    this.#hash(id);
    this.#insert(this.#hashHigh, this.#hashLow, sequence, timeUs);
  }

  /** Forgets what has left the window. */
  expire(nowUs: number): void {
    const limit = nowUs - this.#windowUs;
    while (this.#size > 0 && this.#times[this.#head]! <= limit) this.#dropFirst();
    if (this.#size === 0 && this.#capacity > KEPT) this.#resize(SMALLEST);
  }

  /** What was added since the last call, for `restore`; undefined when that is nothing. */
  takeNew(): Buffer | undefined {
    const count = this.#size - this.#fresh;
    if (count <= 0) return undefined;
    const bytes = Buffer.allocUnsafe(count * ENTRY_BYTES);
    for (let i = 0; i < count; i++) {
      const entry = (this.#head + this.#fresh + i) % this.#capacity;
      const at = i * ENTRY_BYTES;
      bytes.writeUInt32LE(this.#high[entry]!, at);
      bytes.writeUInt32LE(this.#low[entry]!, at + 4);
      bytes.writeDoubleLE(this.#sequences[entry]!, at + 8);
      bytes.writeDoubleLE(this.#times[entry]!, at + 16);
    }
    this.#fresh = this.#size;
    return bytes;
  }

  /** Brings back what `takeNew` gave, in the same order. */
  restore(bytes: Buffer): void {
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      this.#insert(
        bytes.readUInt32LE(at),
        bytes.readUInt32LE(at + 4),
        bytes.readDoubleLE(at + 8),
        bytes.readDoubleLE(at + 16),
      );
    }
    this.#fresh = this.#size;
  }

  #insert(high: number, low: number, sequence: number, timeUs: number): void {
    if (this.#size === this.#capacity) this.#resize(this.#capacity * 2);
    const entry = (this.#head + this.#size) % this.#capacity;
    this.#high[entry] = high;
    this.#low[entry] = low;
    this.#sequences[entry] = sequence;
    this.#times[entry] = timeUs;
    this.#size++;
    // An older entry of the same id stays in the ring, out of the table, until its time comes.
    this.#table[this.#slotOf(high, low)] = entry;
  }

  /** The slot that holds this hash, or the empty one where it belongs. */
  #slotOf(high: number, low: number): number {
    const mask = this.#table.length - 1;
    let slot = low & mask;
    for (;;) {
      const entry = this.#table[slot]!;
      if (entry === EMPTY || (this.#low[entry] === low && this.#high[entry] === high)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #dropFirst(): void {
    const entry = this.#head;
    const slot = this.#slotOf(this.#high[entry]!, this.#low[entry]!);
    if (this.#table[slot] === entry) this.#empty(slot);
    this.#head = (this.#head + 1) % this.#capacity;
    this.#size--;
    if (this.#fresh > 0) this.#fresh--;
  }

  /** Empties a slot and moves up those behind it that were displaced (Knuth, volume 3, 6.4, algorithm R). */
  #empty(slot: number): void {
    const mask = this.#table.length - 1;
    let hole = slot;
    for (let next = (slot + 1) & mask; ; next = (next + 1) & mask) {
      const entry = this.#table[next]!;
      if (entry === EMPTY) break;
      const home = this.#low[entry]! & mask;
      // It may move when its home is not between the hole (exclusive) and where it is.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        this.#table[hole] = entry;
        hole = next;
      }
    }
    this.#table[hole] = EMPTY;
  }

  #resize(capacity: number): void {
    this.#high = this.#unrolled(this.#high, new Uint32Array(capacity));
    this.#low = this.#unrolled(this.#low, new Uint32Array(capacity));
    this.#sequences = this.#unrolled(this.#sequences, new Float64Array(capacity));
    this.#times = this.#unrolled(this.#times, new Float64Array(capacity));
    this.#head = 0;
    this.#capacity = capacity;
    this.#table = new Uint32Array(capacity * 2).fill(EMPTY);
    for (let entry = 0; entry < this.#size; entry++) {
      this.#table[this.#slotOf(this.#high[entry]!, this.#low[entry]!)] = entry;
    }
  }

  /** The entries of the ring in order, at the front of another array that has room for them. */
  #unrolled<T extends Uint32Array | Float64Array>(ring: T, other: T): T {
    const toEnd = Math.min(this.#size, this.#capacity - this.#head);
    other.set(ring.subarray(this.#head, this.#head + toEnd));
    other.set(ring.subarray(0, this.#size - toEnd), toEnd);
    return other;
  }

  /** Two independent 32-bit hashes in one pass, with the final mixing of MurmurHash3. */
  #hash(id: string): void {
    let a = 0x9747b28c;
    let b = 0x3c6ef372;
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x5bd1e995);
      b ^= b >>> 15;
    }
    this.#hashHigh = mix(a ^ id.length);
    this.#hashLow = mix(b + id.length);
  }
}

function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
