/**
 * Group commit over the databases of a broker: one batch at a time, opened by the first write of a turn of the event
 * loop, committed at the end of that turn. What arrives while the thread is in a flush goes together into the next
 * batch, so the batches grow with the load and nobody waits for a timer.
 *
 * A turn that comes after a pause is cut in two (see `spent`), when the pause was longer than a flush takes. A client
 * that keeps 64 messages in flight otherwise falls into step with the broker: one works while the other waits. When it
 * gets the first half of its acknowledgements early, both work at the same time from then on, and the pauses vanish.
 * A broker without pauses has enough to do, and makes its batches as large as they come.
 *
 * A failed write or commit is final. Nothing of the batch is told to anybody, nothing more is accepted, and memory,
 * which may be ahead of the disk by this one batch, is to be thrown away with the process.
 */
import { BrokerError } from '../../broker-error.ts';
import type { Commits } from './commits.ts';
import { FlushTimes } from './flush-times.ts';

/** A database that takes part in a batch. */
export interface BatchMember {
  commit(): void;
  rollback(): void;
}

export interface GroupCommitOptions {
  /** Calls back at the end of this turn of the event loop. Default `setImmediate`. */
  readonly schedule?: (flush: () => void) => void;
  /** Milliseconds from any fixed point. Default `performance.now`. */
  readonly now?: () => number;
  /** Told once, when a write or commit failed. */
  readonly onFailure: (error: BrokerError) => void;
  /** Told about errors of `afterCommit` work, which harm nobody else. */
  readonly onWorkFailure: (error: unknown) => void;
  /** Called when what a batch had to say has been said, so that it leaves without waiting for the end of the turn. */
  readonly onFlushed?: () => void;
}

/** Longest time that `beforeCommit` work waits for a batch, in ms. */
const LAZY_MS = 50;
/** Fewer messages than this are not worth a flush of their own. */
const SMALLEST_PART = 16;
/** Part of the newest flush in the smoothed time of a flush. */
const NEWEST = 0.125;
/** Longest time that a batch is gathered, in ms, and messages between two looks at the clock. */
const LONGEST_MS = 5;
const CLOCK_EVERY = 64;

export class GroupCommit implements Commits {
  readonly flushTimes = new FlushTimes();
  readonly #options: GroupCommitOptions;
  readonly #now: () => number;
  readonly #schedule: (flush: () => void) => void;
  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.#inLastTurn = this.#inTurn;
    this.#inTurn = 0;
    this.flush();
  };
  #members: BatchMember[] = [];
  #before: (() => void)[] = [];
  #after: (() => void)[] = [];
  #scheduled = false;
  #flushing = false;
  #failure: BrokerError | undefined;
  #lazy: NodeJS.Timeout | undefined;
  #openedAt = 0;
  #flushedAt = 0;
  /** Smoothed time of a flush, in ms. */
  #flushMs = 0;
  /** Messages in the open batch, and at how many of them it is committed without waiting for the end of the turn. */
  #gathered = 0;
  #cutAt = Number.POSITIVE_INFINITY;
  /** Messages in this turn so far, and in the one before. */
  #inTurn = 0;
  #inLastTurn = 0;
  #closed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#schedule = options.schedule ?? setImmediate;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * A database has begun its transaction for the current batch.
   *
   * @throws BrokerError `store_failed` after a failure.
   */
  join(member: BatchMember): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#members.push(member) > 1) return;
    this.#openedAt = this.#now();
    this.#gathered = 0;
    const rested = this.#openedAt - this.#flushedAt > this.#flushMs;
    this.#cutAt = rested ? Math.max(SMALLEST_PART, this.#inLastTurn >> 1) : Number.POSITIVE_INFINITY;
    this.#wake();
  }

  afterCommit(work: () => void): void {
    if (this.#failure !== undefined) return;
    if (this.#members.length === 0) this.#run(work);
    else this.#after.push(work);
  }

  beforeCommit(work: () => void): void {
    if (this.#failure !== undefined) return;
    this.#before.push(work);
    if (this.#members.length === 0 && !this.#closed) this.#lazy ??= setTimeout(() => this.flush(), LAZY_MS);
  }

  /** One more message is in the batch: commits when it is half of what the last turn had, or after a long time. */
  spent(): void {
    this.#inTurn++;
    const gathered = ++this.#gathered;
    const due =
      gathered >= this.#cutAt || (gathered % CLOCK_EVERY === 0 && this.#now() - this.#openedAt >= LONGEST_MS);
    if (due) this.flush();
  }

  /** Commits what there is. */
  flush(): void {
    if (this.#flushing || this.#failure !== undefined) return;
    this.#flushing = true;
    try {
      this.#commit();
    } catch (error) {
      this.fail(error);
    } finally {
      this.#flushing = false;
    }
    if (this.#failure !== undefined) return;
    this.#tell();
  }

  /** Something could not be written. Nothing of the batch will be told, and nothing more is accepted. */
  fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#failure = new BrokerError(
      'store_failed',
      `the store could not write (${reason}); nothing of what it was writing has been acknowledged`,
      'see to the disk, then start the broker again',
      cause,
    );
    clearTimeout(this.#lazy);
    this.#before = [];
    this.#after = [];
    const members = this.#members;
    this.#members = [];
    for (const member of members) member.rollback();
    this.#options.onFailure(this.#failure);
  }

  /** Commits what there is and starts no timer any more. */
  close(): void {
    this.#closed = true;
    this.flush();
    clearTimeout(this.#lazy);
  }

  #wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#flushScheduled);
  }

  #commit(): void {
    clearTimeout(this.#lazy);
    this.#lazy = undefined;
    // Such work may ask for more of the same: it goes into this batch as well.
    for (let i = 0; i < this.#before.length; i++) this.#before[i]!();
    this.#before.length = 0;
    if (this.#members.length === 0) return;
    const start = this.#now();
    for (const member of this.#members) member.commit();
    this.#flushedAt = this.#now();
    const took = this.#flushedAt - start;
    this.#flushMs += (took - this.#flushMs) * NEWEST;
    this.flushTimes.add(took);
    this.#members.length = 0;
  }

  #tell(): void {
    const after = this.#after;
    this.#after = [];
    for (const work of after) this.#run(work);
    this.#options.onFlushed?.();
  }

  #run(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onWorkFailure(error);
    }
  }
}
