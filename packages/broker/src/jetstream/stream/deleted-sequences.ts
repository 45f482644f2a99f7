/** Which sequences are missing between the first and the last message of a stream, found in bounded steps. */
import type { MessageLog } from './message-log.ts';
import { deletedCount } from './stream-info.ts';

/** Messages looked at in one step. */
const STEP = 2_048;

export class DeletedSequences {
  readonly sequences: number[] = [];
  readonly #log: MessageLog;
  readonly #last: number;
  readonly #expected: number;
  #next: number;

  constructor(log: MessageLog) {
    this.#log = log;
    this.#next = log.firstSequence;
    this.#last = log.lastSequence;
    this.#expected = deletedCount(log.messages, this.#next, this.#last);
  }

  /** Looks at some messages. True when all that are missing have been found. */
  step(): boolean {
    if (this.sequences.length >= this.#expected) return true;
    const stored = this.#log.sequences(this.#next, STEP);
    for (const sequence of stored) this.#missing(Math.min(sequence, this.#last + 1));
    if (stored.length === STEP && this.#next <= this.#last) return false;
    this.#missing(this.#last + 1);
    return true;
  }

  /** Everything from the next sequence up to the given one, which is stored, is missing. */
  #missing(stored: number): void {
    while (this.#next < stored) this.sequences.push(this.#next++);
    this.#next++;
  }
}
