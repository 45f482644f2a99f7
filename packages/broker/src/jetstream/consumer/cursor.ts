/**
 * How far a consumer has come in its stream, and how much is still ahead of it. Never goes backwards; what is
 * delivered again is not its business.
 */
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import type { Counting } from '../stream/match-count.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import type { SubjectFilter } from '../stream/subject-filter.ts';
import type { SkipList } from './skip-list.ts';
import type { Start } from './start.ts';
import { isStillStored } from './still-stored.ts';

export class Cursor {
  filter: SubjectFilter | undefined;
  readonly #stream: ConsumerStream;
  #next: number;
  #skip: SkipList | undefined;
  /** Messages ahead; undefined until somebody asks, for counting may be expensive. */
  #ahead: number | undefined;
  /** While they are being counted. */
  #counting: Counting | undefined;
  /** What has been appended, and removed of that, since the counting began. */
  #since = 0;
  /** Up to which sequence `#ahead` has been counted, or `#counting` and `#since` are. */
  #countedTo = 0;

  constructor(stream: ConsumerStream, filter: SubjectFilter | undefined, start: Start) {
    this.#stream = stream;
    this.filter = filter;
    this.#next = start.next;
    this.#skip = start.skip;
    // The list says it without counting, as long as nothing of it has been removed.
    if (this.#skip !== undefined) while (!this.countSome());
  }

  /** Last sequence of the stream when the consumer was created, while it delivers out of what was stored then; else 0. */
  get skipsUntil(): number {
    return this.#skip?.until ?? 0;
  }

  /** Everything below it has been delivered or passed over. */
  get next(): number {
    return this.#next;
  }

  /** How many messages have not been delivered yet. Counts those that are left to be counted: see `countSome`. */
  get ahead(): number {
    while (!this.countSome());
    return this.#ahead!;
  }

  /** Counts some of what is ahead, within milliseconds. True once all of it is known. */
  countSome(): boolean {
    if (this.#ahead !== undefined) return true;
    if (this.#counting === undefined) {
      this.#stream.settle();
      // That may have made the consumer run, which has counted by itself then, and delivered since.
      if (this.#ahead !== undefined) return true;
      const skip = this.#skip;
      const from = skip === undefined ? this.#next : Math.max(this.#next, skip.until + 1);
      this.#counting = this.#stream.startCount(from, this.filter);
      this.#since = 0;
      this.#countedTo = this.#counting.upTo;
    }
    if (!this.#counting.step()) return false;
    this.#ahead = this.#counting.count + this.#since + (this.#skip?.size ?? 0);
    this.#counting = undefined;
    return true;
  }

  /** The next message; undefined when there is none. Throws DamagedRecord. */
  peek(): StoredMessage | undefined {
    while (this.#skip !== undefined) {
      const message = this.#stream.load(this.#skip.first);
      if (message !== undefined) return message;
      this.#skip.removeFirst();
      this.#leaveSkip();
    }
    const { lastSequence } = this.#stream;
    if (this.#next > lastSequence) return undefined;
    const message = this.#stream.next(this.#next, this.filter);
    if (message === undefined) this.#next = lastSequence + 1;
    return message;
  }

  /** What `peek` returned is delivered. */
  advance(sequence: number): void {
    if (this.#ahead !== undefined) this.#ahead = Math.max(0, this.#ahead - 1);
    this.#next = Math.max(this.#next, sequence + 1);
    if (this.#skip === undefined) return;
    this.#skip.removeFirst();
    this.#leaveSkip();
  }

  /**
   * @param matching how many of the messages from `first` to `last` this consumer wants; undefined when that could not
   * be found out.
   */
  appended(first: number, last: number, matching: number | undefined): void {
    if ((this.#ahead === undefined && this.#counting === undefined) || last <= this.#countedTo) return;
    // Some of them have been counted already: who knows which.
    if (first <= this.#countedTo || matching === undefined) this.#countAnew();
    else if (this.#ahead === undefined) this.#since += matching;
    else this.#ahead += matching;
    this.#countedTo = last;
  }

  removed(sequence: number, subject: string): void {
    const counting = this.#counting;
    if ((this.#ahead === undefined && counting === undefined) || sequence > this.#countedTo) return;
    if (!this.expects(sequence, subject)) return;
    if (counting === undefined) this.#ahead = Math.max(0, this.#ahead! - 1);
    else if (sequence > counting.upTo) this.#since--;
    else counting.removed(sequence, subject);
  }

  /** Everything that matches below `upTo` is gone. @param all whether all of it is, whatever its subject. */
  purged(upTo: number, all: boolean): void {
    if (all) this.#next = Math.max(this.#next, upTo);
    this.#countAnew();
    this.#skip?.retain((sequence) => sequence >= upTo || (!all && isStillStored(this.#stream, sequence)));
    this.#leaveSkip();
  }

  /** Whether it is still going to deliver this message. */
  expects(sequence: number, subject: string): boolean {
    const skip = this.#skip;
    if (skip !== undefined && sequence <= skip.until) return skip.has(sequence);
    return sequence >= this.#next && (this.filter === undefined || this.filter.matches(subject));
  }

  refilter(filter: SubjectFilter | undefined): void {
    this.filter = filter;
    this.#countAnew();
  }

  #countAnew(): void {
    this.#ahead = undefined;
    this.#counting = undefined;
  }

  #leaveSkip(): void {
    if (this.#skip === undefined || this.#skip.size > 0) return;
    this.#next = Math.max(this.#next, this.#skip.until + 1);
    this.#skip = undefined;
  }
}
