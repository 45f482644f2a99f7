/**
 * Group commit over the databases of a broker: one batch at a time, opened by the first write of a turn of the event
 * loop, committed at the end of that turn, or when its pace says so (`batch-pace.ts`). What arrives while the thread
 * is in a flush goes together into the next batch, so the batches grow with the load.
 *
 * A failed write or commit is final. Nothing of the batch is told to anybody, nothing more is accepted, and memory,
 * which may be ahead of the disk by this one batch, is to be thrown away with the process.
 */
import { BrokerError } from '../../broker-error.ts';
import { BatchPace } from './batch-pace.ts';
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
export class GroupCommit implements Commits {
  readonly flushTimes = new FlushTimes();
  readonly #options: GroupCommitOptions;
  readonly #now: () => number;
  readonly #schedule: (flush: () => void) => void;
  readonly #pace = new BatchPace();
  readonly #flushNow = (): void => this.flush();
  readonly #endTurn = (): void => {
    this.#scheduled = false;
    const wait = this.#pace.turnEnded();
    if (wait === 0 || this.#closed || this.#members.length === 0) this.flush();
    else this.#patience ??= setTimeout(this.#flushNow, wait);
  };
  #members: BatchMember[] = [];
  #before: (() => void)[] = [];
  #after: (() => void)[] = [];
  #scheduled = false;
  #flushing = false;
  #failure: BrokerError | undefined;
  #lazy: NodeJS.Timeout | undefined;
  /** Runs while the end of the turn is put off. */
  #patience: NodeJS.Timeout | undefined;
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
    this.#pace.opened(this.#now());
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

  /** One more message is in the batch. */
  spent(): void {
    if (this.#pace.message(this.#now)) this.flush();
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
    clearTimeout(this.#patience);
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
    this.#schedule(this.#endTurn);
  }

  #commit(): void {
    clearTimeout(this.#lazy);
    this.#lazy = undefined;
    clearTimeout(this.#patience);
    this.#patience = undefined;
    // Such work may ask for more of the same: it goes into this batch as well.
    for (let i = 0; i < this.#before.length; i++) this.#before[i]!();
    this.#before.length = 0;
    if (this.#members.length === 0) return;
    const start = this.#now();
    for (const member of this.#members) member.commit();
    const end = this.#now();
    this.#pace.flushed(start, end);
    this.flushTimes.add(end - start);
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
