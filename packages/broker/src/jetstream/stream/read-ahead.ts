/**
 * Messages that were read from the disk a block at a time, because those who read a stream from far behind read on: one
 * query for hundreds of messages instead of one for each. All streams of a broker share a few blocks, so that consumers
 * that are at the same place read it once; the block that was used longest ago goes first.
 */
import type { StoredMessage } from './stored-message.ts';

const MOST_BLOCKS = 32;

/** All messages of a stream from one sequence up to another. */
export class Block {
  readonly owner: object;
  readonly start: number;
  /** One more than the last sequence that it covers. */
  readonly end: number;
  /** Ascending; undefined where a message has gone since. */
  readonly #messages: (StoredMessage | undefined)[];
  readonly #sequences: Float64Array;

  constructor(owner: object, start: number, end: number, messages: StoredMessage[]) {
    this.owner = owner;
    this.start = start;
    this.end = end;
    this.#messages = messages;
    this.#sequences = Float64Array.from(messages, ({ sequence }) => sequence);
  }

  /** The first message at or after `from`, which it must cover. */
  next(from: number): StoredMessage | undefined {
    for (let at = this.#indexOf(from); at < this.#messages.length; at++) {
      const message = this.#messages[at];
      if (message !== undefined) return message;
    }
    return undefined;
  }

  forget(sequence: number): void {
    const at = this.#indexOf(sequence);
    if (this.#sequences[at] === sequence) this.#messages[at] = undefined;
  }

  /** Of the first entry at or after `sequence`. */
  #indexOf(sequence: number): number {
    // Where there are no holes.
    const guess = sequence - this.start;
    if (this.#sequences[guess] === sequence) return guess;
    let low = 0;
    let high = Math.min(guess, this.#sequences.length);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sequences[middle]! < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class ReadAhead {
  /** Used last, first. */
  readonly #blocks: Block[] = [];

  /** The block of a stream that covers a sequence. */
  find(owner: object, sequence: number): Block | undefined {
    const blocks = this.#blocks;
    for (let at = 0; at < blocks.length; at++) {
      const block = blocks[at]!;
      if (block.owner !== owner || sequence < block.start || sequence >= block.end) continue;
      if (at > 0) {
        blocks.copyWithin(1, 0, at);
        blocks[0] = block;
      }
      return block;
    }
    return undefined;
  }

  add(block: Block): void {
    if (this.#blocks.unshift(block) > MOST_BLOCKS) this.#blocks.pop();
  }

  /** A message of a stream has gone. */
  forget(owner: object, sequence: number): void {
    for (const block of this.#blocks) {
      if (block.owner === owner && sequence >= block.start && sequence < block.end) block.forget(sequence);
    }
  }

  /** Everything of a stream has gone, or its sequences begin elsewhere. */
  clear(owner: object): void {
    for (let at = this.#blocks.length - 1; at >= 0; at--) {
      if (this.#blocks[at]!.owner === owner) this.#blocks.splice(at, 1);
    }
  }
}
