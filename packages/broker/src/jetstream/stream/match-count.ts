/**
 * How many messages match from some sequence up to the present end, counted a bounded number at a time: in a stream of
 * millions it takes a while, and everybody else would wait. Subject by subject, in the order of their bytes.
 */
import type { MessageLog } from './message-log.ts';
import { countMatching, isSoonCounted } from './message-search.ts';
import type { SubjectFilter } from './subject-filter.ts';

/** A count on its way. */
export interface Counting {
  /** The last sequence that is counted. */
  readonly upTo: number;
  /** So far. */
  readonly count: number;
  /** Counts some more. True when all are counted. */
  step(): boolean;
  /** A stored message that matches, and is counted or going to be, has vanished. */
  removed(sequence: number, subject: string): void;
}

/** Messages counted in one step: some milliseconds. */
const STEP = 50_000;
/** What looking at one more subject costs, in messages. */
const SUBJECT = 50;
/** Subjects looked at together. */
const PAGE = 256;

/** @param log all of it committed. */
export function startCount(log: MessageLog, from: number, filter: SubjectFilter | undefined): Counting {
  return isSoonCounted(log, from, filter, STEP)
    ? counted(log.lastSequence, countMatching(log, from, filter))
    : new MatchCount(log, from, filter);
}

/** What was counted at once. */
export function counted(upTo: number, count: number): Counting {
  return {
    upTo,
    count,
    step: () => true,
    removed() {},
  };
}

export class MatchCount implements Counting {
  readonly upTo: number;
  readonly #log: MessageLog;
  readonly #from: number;
  readonly #filter: SubjectFilter | undefined;
  readonly #step: number;
  #count = 0;
  /** Subjects in front of this one have been counted, … */
  #subject = '';
  /** … and of it the messages below this sequence. */
  #next = Number.POSITIVE_INFINITY;

  /** @param step messages counted in one step. */
  constructor(log: MessageLog, from: number, filter: SubjectFilter | undefined, step = STEP) {
    this.#step = step;
    this.#log = log;
    this.#from = from;
    this.#filter = filter;
    this.upTo = log.lastSequence;
  }

  get count(): number {
    return this.#count;
  }

  step(): boolean {
    const { subjects } = this.#log;
    for (let left = this.#step; left > 0; ) {
      const { found, last } = subjects.page(this.#filter, this.#subject, PAGE);
      for (const each of found) {
        if (each.subject !== this.#subject) {
          this.#subject = each.subject;
          this.#next = this.#from;
        } else if (this.#next === Number.POSITIVE_INFINITY) continue;
        left -= SUBJECT + this.#countSubject(each.id, each.last, left);
        if (left <= 0) break;
      }
      if (left <= 0) return false;
      if (last === undefined) return true;
      this.#subject = last;
      this.#next = Number.POSITIVE_INFINITY;
      left -= SUBJECT;
    }
    return false;
  }

  removed(sequence: number, subject: string): void {
    if (sequence < this.#from || sequence > this.upTo) return;
    if (subject < this.#subject || (subject === this.#subject && sequence < this.#next)) this.#count--;
  }

  /** Up to `most` messages of a subject. */
  #countSubject(id: number, last: number, most: number): number {
    // What is below the first is on disk until the next commit, and not there any more.
    const from = Math.max(this.#next, this.#log.firstSequence);
    if (last < from) {
      this.#next = Number.POSITIVE_INFINITY;
      return 0;
    }
    const [counted, end] = this.#log.table.countSome(id, from, this.upTo + 1, most);
    this.#count += counted;
    this.#next = counted < most ? Number.POSITIVE_INFINITY : end + 1;
    return counted;
  }
}
