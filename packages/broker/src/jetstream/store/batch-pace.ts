/**
 * When a batch is worth a flush. Normally at the end of the turn of the event loop that opened it; two things change
 * that, both because clients answer acknowledgements with new messages.
 *
 * On a fast disk, a client that keeps 64 messages in flight falls into step with the broker: one works while the other
 * waits. So a turn that comes after a pause longer than a flush is cut in two: with the first half of its
 * acknowledgements the client goes on early, and from then on both work at the same time.
 *
 * On a slow disk, the flush is what costs, and messages in flight that have fallen into two groups pay for two. So the
 * end of the turn is put off for a part of a flush when the last two batches had more messages than this one: the other
 * group may be on its way. When that brings nothing it is tried again ever more rarely.
 *
 * Pure: it is told the time, in ms from any fixed point.
 */

/** Fewer messages than this are not worth a flush of their own. */
const SMALLEST_PART = 16;
/** Part of the newest flush in the smoothed time of a flush. */
const NEWEST = 0.125;
/** Longest time that a batch is gathered, in ms, and messages between two looks at the clock. */
const LONGEST_MS = 5;
const CLOCK_EVERY = 64;
/** A flush that takes longer makes a disk slow, in ms. */
const SLOW_MS = 2;
/** Part of a flush that is waited for more, and the longest such time, in ms. */
const WAITED_PART = 0.25;
const LONGEST_WAIT_MS = 4;
/** Growth of a batch that makes the waiting worth it. */
const WORTH = 0.25;
/** Most batches until it is tried again after it was not. */
const MOST_SKIPPED = 64;

const NEVER = Number.POSITIVE_INFINITY;

export class BatchPace {
  #openedAt = 0;
  #flushedAt = 0;
  /** Smoothed time of a flush. */
  #flushMs = 0;
  /** Messages in the open batch, and at how many of them it is committed at once. */
  #gathered = 0;
  #commitAt = NEVER;
  /** Messages in this turn so far, and in the one before. */
  #inTurn = 0;
  #inLastTurn = 0;
  /** Messages in the two batches before this one. */
  #last = 0;
  #beforeLast = 0;
  /** Messages there were when the waiting began; undefined while it is not waited. */
  #waitedFrom: number | undefined;
  /** Batches until waiting is tried again, and how many there will be after the next failure. */
  #skipped = 0;
  #penalty = 1;

  opened(now: number): void {
    this.#openedAt = now;
    this.#gathered = 0;
    const rested = now - this.#flushedAt > this.#flushMs;
    this.#commitAt = rested ? Math.max(SMALLEST_PART, this.#inLastTurn >> 1) : NEVER;
  }

  /** One more message. True when the batch is to be committed at once. */
  message(now: () => number): boolean {
    this.#inTurn++;
    const gathered = ++this.#gathered;
    if (gathered >= this.#commitAt) return true;
    return (
      gathered % CLOCK_EVERY === 0 && now() - this.#openedAt >= LONGEST_MS && this.#waitedFrom === undefined
    );
  }

  /** The turn has ended. How long to wait for more, in ms; 0 to commit now. */
  turnEnded(): number {
    this.#inLastTurn = this.#inTurn;
    this.#inTurn = 0;
    const expected = this.#last + this.#beforeLast;
    if (this.#flushMs < SLOW_MS || this.#gathered === 0 || this.#gathered >= expected) return 0;
    if (this.#skipped > 0) {
      this.#skipped--;
      return 0;
    }
    this.#waitedFrom = this.#gathered;
    this.#commitAt = expected;
    return Math.min(this.#flushMs * WAITED_PART, LONGEST_WAIT_MS);
  }

  /** The batch has been flushed. */
  flushed(from: number, to: number): void {
    this.#flushedAt = to;
    this.#flushMs += (to - from - this.#flushMs) * NEWEST;
    this.#judgeWaiting();
    if (this.#gathered === 0) return;
    this.#beforeLast = this.#last;
    this.#last = this.#gathered;
    this.#gathered = 0;
  }

  #judgeWaiting(): void {
    if (this.#waitedFrom === undefined) return;
    const wasWorth = this.#gathered >= this.#waitedFrom * (1 + WORTH);
    this.#penalty = wasWorth ? 1 : Math.min(this.#penalty * 2, MOST_SKIPPED);
    this.#skipped = wasWorth ? 0 : this.#penalty;
    this.#waitedFrom = undefined;
  }
}
