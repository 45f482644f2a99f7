/** Purging part of a stream, a bounded number of messages at a time. */
import { type MessageLog, QUIETLY } from './message-log.ts';
import { countMatching, nextMatchingSequence } from './message-search.ts';
import type { SubjectFilter } from './subject-filter.ts';

/** Messages removed in one step. */
const STEP = 512;

export interface PurgeOrder {
  /** Only messages that match. */
  readonly filter: SubjectFilter | undefined;
  /** Only messages in front of this sequence; undefined: up to the last one there is now. */
  readonly before: number | undefined;
  /** So many of the newest matching messages stay. */
  readonly keep: number;
}

export class Purge {
  readonly #log: MessageLog;
  readonly #filter: SubjectFilter | undefined;
  readonly #before: number;
  #left: number;
  #from = 0;
  #purged = 0;

  constructor(log: MessageLog, { filter, before, keep }: PurgeOrder) {
    this.#log = log;
    this.#filter = filter;
    this.#before = before ?? log.lastSequence + 1;
    this.#left = keep > 0 ? Math.max(0, countMatching(log, 0, filter) - keep) : Number.POSITIVE_INFINITY;
  }

  /** Messages removed so far. */
  get purged(): number {
    return this.#purged;
  }

  /** In front of this sequence nothing is left of what was to be removed. */
  get end(): number {
    return this.#from;
  }

  /** Removes some. True when all are gone. Nobody is told of single messages. */
  step(): boolean {
    for (let removed = 0; removed < STEP; removed++) {
      if (this.#left === 0) return true;
      const sequence = this.#next();
      if (sequence === undefined || sequence >= this.#before) return true;
      this.#from = sequence + 1;
      this.#log.remove(sequence, QUIETLY);
      this.#left--;
      this.#purged++;
    }
    return false;
  }

  #next(): number | undefined {
    // Without a filter it is always the first, which the log knows without asking the disk.
    if (this.#filter === undefined) return this.#log.first?.sequence;
    return nextMatchingSequence(this.#log, this.#from, this.#filter);
  }
}
