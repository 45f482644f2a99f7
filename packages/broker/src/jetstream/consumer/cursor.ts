/**
 * How far a consumer has come in its stream, and how much is still ahead of it. Never goes backwards; what is
 * delivered again is not its business.
 */
import type { ConsumerStream } from '../stream/consumer-stream.ts';
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
  /** Up to which sequence `#ahead` has been counted. */
  #countedTo = 0;

  constructor(stream: ConsumerStream, filter: SubjectFilter | undefined, start: Start) {
    this.#stream = stream;
    this.filter = filter;
    this.#next = start.next;
    this.#skip = start.skip;
    // The list says it without counting, as long as nothing of it has been removed.
    if (this.#skip !== undefined) this.#ahead = this.#count();
  }

  /** Last sequence of the stream when the consumer was created, while it delivers out of what was stored then; else 0. */
  get skipsUntil(): number {
    return this.#skip?.until ?? 0;
  }

  /** Everything below it has been delivered or passed over. */
  get next(): number {
    return this.#next;
  }

  /** How many messages have not been delivered yet. */
  get ahead(): number {
    if (this.#ahead !== undefined) return this.#ahead;
    const counted = this.#count();
    // Counting may have made the consumer run, which has counted by itself then, and delivered since.
    this.#ahead ??= counted;
    return this.#ahead;
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
    if (this.#ahead === undefined || last <= this.#countedTo) return;
    // Some of them have been counted already: who knows which.
    if (first <= this.#countedTo || matching === undefined) this.#ahead = undefined;
    else this.#ahead += matching;
    this.#countedTo = last;
  }

  removed(sequence: number, subject: string): void {
    if (this.#ahead === undefined || sequence > this.#countedTo) return;
    if (this.expects(sequence, subject)) this.#ahead = Math.max(0, this.#ahead - 1);
  }

  /** Everything that matches below `upTo` is gone. @param all whether all of it is, whatever its subject. */
  purged(upTo: number, all: boolean): void {
    if (all) this.#next = Math.max(this.#next, upTo);
    this.#ahead = undefined;
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
    this.#ahead = undefined;
  }

  #count(): number {
    const skip = this.#skip;
    const from = skip === undefined ? this.#next : Math.max(this.#next, skip.until + 1);
    const counted = this.#stream.count(from, this.filter) + (skip?.size ?? 0);
    // Afterwards: counting commits what is open, and that may be told of (`appended`) within the call.
    this.#countedTo = this.#stream.lastSequence;
    return counted;
  }

  #leaveSkip(): void {
    if (this.#skip === undefined || this.#skip.size > 0) return;
    this.#next = Math.max(this.#next, this.#skip.until + 1);
    this.#skip = undefined;
  }
}
