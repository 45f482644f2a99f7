/**
 * The newest messages of a stream in memory, so that consumers who keep up do not read the disk. All tails of a
 * broker share one budget; the message that was stored longest ago goes first, whichever stream it belongs to.
 */
import type { StoredMessage } from './stored-message.ts';

/** What an entry costs beside its payload, in bytes: about what the engine takes for it. */
const OVERHEAD = 256;
/** What is left of an entry whose message is gone, in bytes. */
const HOLE = 16;
const SLAB = 64 * 1024;
/** Payloads that do not fill a good part of a slab are copied into one: a slice of input would keep its whole chunk. */
const COPIED = 16 * 1024;

export class TailBudget {
  readonly #limit: number;
  /** Whose entry is the oldest, the next oldest, and so on; those before `#head` are gone. */
  #owners: Tail[] = [];
  #head = 0;
  #bytes = 0;
  #slab = Buffer.alloc(0);
  #used = 0;

  /** @param limit in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The bytes in memory that holds nothing but messages. */
  keep(bytes: Buffer, start: number, end: number): Buffer {
    const size = end - start;
    if (size > COPIED) return bytes.subarray(start, end);
    if (this.#slab.length - this.#used < size) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB);
      this.#used = 0;
    }
    bytes.copy(this.#slab, this.#used, start, end);
    const kept = this.#slab.subarray(this.#used, this.#used + size);
    this.#used += size;
    return kept;
  }

  charge(owner: Tail, size: number): void {
    this.#owners.push(owner);
    this.#bytes += size;
    while (this.#bytes > this.#limit && this.#head < this.#owners.length)
      this.#owners[this.#head++]!.dropOldest();
    if (this.#head > 4096 && this.#head * 2 > this.#owners.length) {
      this.#owners = this.#owners.slice(this.#head);
      this.#head = 0;
    }
  }

  refund(size: number): void {
    this.#bytes -= size;
  }
}

export class Tail {
  readonly #budget: TailBudget;
  /** Entry `i` is sequence `first + i - #head`; undefined when that message is gone. */
  #entries: (StoredMessage | undefined)[] = [];
  #head = 0;
  #first: number;

  /** @param next the sequence that will be pushed first. */
  constructor(budget: TailBudget, next: number) {
    this.#budget = budget;
    this.#first = next;
  }

  /** Every message at or after this sequence is here, if it exists. */
  get first(): number {
    return this.#first;
  }

  /** Sequences are pushed without a gap. */
  push(message: StoredMessage): void {
    this.#entries.push(message);
    this.#budget.charge(this, sizeOf(message));
  }

  /** A sequence without a message. */
  skip(): void {
    this.#entries.push(undefined);
    this.#budget.charge(this, HOLE);
  }

  get(sequence: number): StoredMessage | undefined {
    return sequence < this.#first ? undefined : this.#entries[this.#head + sequence - this.#first];
  }

  /** The first message at or after `from`, which must not be before `first`. */
  next(from: number): StoredMessage | undefined {
    for (let i = this.#head + from - this.#first; i < this.#entries.length; i++) {
      const message = this.#entries[i];
      if (message !== undefined) return message;
    }
    return undefined;
  }

  forget(sequence: number): void {
    const message = this.get(sequence);
    if (message === undefined) return;
    this.#entries[this.#head + sequence - this.#first] = undefined;
    this.#budget.refund(sizeOf(message) - HOLE);
  }

  /** Lets go of everything; `next` will be pushed next. */
  clear(next: number): void {
    for (let i = this.#head; i < this.#entries.length; i++) this.#budget.refund(sizeOf(this.#entries[i]));
    this.#entries = [];
    this.#head = 0;
    this.#first = next;
  }

  /** Lets go of the oldest entry. */
  dropOldest(): void {
    if (this.#head === this.#entries.length) return;
    this.#budget.refund(sizeOf(this.#entries[this.#head]));
    this.#entries[this.#head++] = undefined;
    this.#first++;
    if (this.#head > 1024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }
}

function sizeOf(message: StoredMessage | undefined): number {
  return message === undefined ? HOLE : message.payload.length + OVERHEAD;
}
