/**
 * The oldest messages of a stream, in outline: what limits, age and acknowledgements remove first. Read from the disk
 * a block at a time, so that removing a message costs no query.
 */
import type { MessageOutline } from '../store/message-table.ts';

const BLOCK = 128;

export class Front {
  readonly #read: (from: number, limit: number) => MessageOutline[];
  #entries: (MessageOutline | undefined)[] = [];
  #head = 0;
  /** Every message below this is among the entries, or gone. */
  #covered: number;

  /** @param read up to `limit` messages at or after `from`, ascending. */
  constructor(read: (from: number, limit: number) => MessageOutline[]) {
    this.#read = read;
    this.#covered = 0;
  }

  /** Whether a message that is stored under this sequence, behind all others, is to be told by `appended`. */
  wants(sequence: number): boolean {
    // Only when nothing is left out in between.
    return this.#covered === sequence && this.#entries.length < BLOCK;
  }

  appended(message: MessageOutline): void {
    this.#entries.push(message);
    this.#covered = message.sequence + 1;
  }

  /** A sequence was used without a message. */
  skipped(sequence: number): void {
    if (this.#covered === sequence) this.#covered = sequence + 1;
  }

  /** @param next the sequence that the next message will get. */
  first(next: number): MessageOutline | undefined {
    for (;;) {
      while (this.#head < this.#entries.length) {
        const entry = this.#entries[this.#head];
        if (entry !== undefined) return entry;
        this.#head++;
      }
      this.#entries = [];
      this.#head = 0;
      if (this.#covered >= next) return undefined;
      this.#entries = this.#read(this.#covered, BLOCK);
      const last = this.#entries.at(-1);
      this.#covered = last === undefined || this.#entries.length < BLOCK ? next : last.sequence + 1;
    }
  }

  /** A message is gone. */
  removed(sequence: number): void {
    if (sequence >= this.#covered) return;
    if (this.#entries[this.#head]?.sequence === sequence) {
      this.#head++;
      return;
    }
    let low = this.#head;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      // Removed entries leave a hole: look to the right for one that knows its sequence.
      let probe = middle;
      while (probe < high && this.#entries[probe] === undefined) probe++;
      if (probe === high || this.#entries[probe]!.sequence > sequence) high = middle;
      else if (this.#entries[probe]!.sequence < sequence) low = probe + 1;
      else {
        this.#entries[probe] = undefined;
        return;
      }
    }
  }

  /** Nothing is stored any more; `next` will be the first. */
  clear(next: number): void {
    this.#entries = [];
    this.#head = 0;
    this.#covered = next;
  }
}
