/**
 * Rebuilds a venue's order book from its diff depth stream and a REST snapshot, by the procedure that Binance
 * documents ("How to manage a local order book correctly"): keep the diffs, take the snapshot, drop the diffs that it
 * already contains, require that the first one kept continues it, and that every later one continues its predecessor.
 *
 * A state machine without effects: (state, message) → outputs, the state changed in place. What is true of each status:
 *
 * - `waiting`  nothing is known yet.
 * - `partial`  no snapshot so far: every level in the book is the venue's, but levels at rest since before the first
 *              diff are missing until they change or show up as best level in a book ticker.
 * - `whole`    synchronised: snapshot plus every diff since.
 * - `stale`    diffs were lost. The book is as of the loss and stays so until a snapshot bridges it: guessing would
 *              produce a book that is wrong without looking so.
 *
 * Book tickers never correct a level that a diff or the snapshot has told: then the check of the book against the
 * tickers (verification.ts) stays a real one. They only fill in prices of which nothing is known.
 */

import { BookSide } from './book-side.ts';
import { Coverage } from './coverage.ts';
import type { BookTicker, DepthDiff, DepthSnapshot, Level, VenueMessage } from './message.ts';

export type BookStatus = 'waiting' | 'partial' | 'whole' | 'stale';

export interface VenueBookOptions {
  /**
   * Whether to show nothing before a snapshot. Default false: the diffs build a `partial` book meanwhile, without
   * which a recording that has no snapshot could not be used at all.
   */
  readonly requireSnapshot?: boolean;
}

export type BookOutput =
  /** Levels changed, by a diff or by a ticker that told an unknown level. Only what differs from before; 0 removes. */
  | {
      readonly kind: 'changed';
      readonly updateId: number;
      readonly bids: readonly Level[];
      readonly asks: readonly Level[];
    }
  /** The book was replaced as a whole: read it from the state. */
  | { readonly kind: 'synchronised'; readonly updateId: number }
  /** Updates `expectedId..receivedId - 1` were lost; the book is stale. */
  | { readonly kind: 'gap'; readonly expectedId: number; readonly receivedId: number }
  /** The snapshot is older than the first diff kept: it cannot be continued, another one is needed. */
  | { readonly kind: 'snapshot-too-old'; readonly lastUpdateId: number; readonly firstId: number };

/** Two minutes and more of diffs at 100 ms: far past what a REST answer takes. Then the oldest go. */
const MAX_KEPT_DIFFS = 1500;
/** Tickers that wait for the diff that contains them. A diff comes every 100 ms, with some tens of tickers between. */
const MAX_KEPT_TICKERS = 5000;

const NOTHING: readonly BookOutput[] = [];

export class VenueBook {
  readonly bids = new BookSide('bid');
  readonly asks = new BookSide('ask');
  readonly #requireSnapshot: boolean;
  readonly #coverage = { bid: new Coverage('bid'), ask: new Coverage('ask') };
  #status: BookStatus = 'waiting';
  #updateId = 0;
  /** The update after which the diffs are complete: a ticker of before it says nothing about now. */
  #knownFrom = 0;
  /** Diffs a snapshot may have to be continued with, without a gap among them. */
  #kept: DepthDiff[] = [];
  #tickers: BookTicker[] = [];

  constructor(options: VenueBookOptions = {}) {
    this.#requireSnapshot = options.requireSnapshot ?? false;
  }

  get status(): BookStatus {
    return this.#status;
  }

  /** The last update that is in the book. */
  get updateId(): number {
    return this.#updateId;
  }

  /** Whether the book is one to rely on: its best levels are the venue's, as far as the recording tells them. */
  get isLive(): boolean {
    return this.#status === 'partial' || this.#status === 'whole';
  }

  /** Whether the level at this price is known from a book ticker only. */
  isLearned(side: 'bid' | 'ask', price: number): boolean {
    return this.#coverage[side].isLearned(price);
  }

  /** Takes the next message of the recording. */
  apply(message: VenueMessage): readonly BookOutput[] {
    if (message.kind === 'diff') return this.#takeDiff(message);
    if (message.kind === 'ticker') return this.#takeTicker(message);
    if (message.kind === 'snapshot') return this.#takeSnapshot(message);
    return NOTHING;
  }

  #takeDiff(diff: DepthDiff): readonly BookOutput[] {
    const { status } = this;
    if (status !== 'whole') {
      const gap = this.#keep(diff);
      if (gap) return [this.#lose(gap.expected, diff.firstId)];
    }
    if (status === 'waiting' && !this.#requireSnapshot) return [this.#startPartial(diff)];
    if (!this.isLive || diff.finalId <= this.#updateId) return NOTHING;
    if (diff.firstId > this.#updateId + 1) {
      this.#kept = [diff];
      return [this.#lose(this.#updateId + 1, diff.firstId)];
    }
    return this.#changes(diff);
  }

  /** Remembers a diff for the snapshot to come; tells if it does not continue the one before. */
  #keep(diff: DepthDiff): { expected: number } | undefined {
    const last = this.#kept.at(-1);
    if (last && diff.finalId <= last.finalId) return undefined;
    if (last && diff.firstId > last.finalId + 1) {
      this.#kept = [diff];
      return { expected: last.finalId + 1 };
    }
    this.#kept.push(diff);
    if (this.#kept.length > MAX_KEPT_DIFFS) this.#kept.shift();
    return undefined;
  }

  #lose(expectedId: number, receivedId: number): BookOutput {
    // Without a book there is nothing to become stale: the gap merely restarts the wait for a snapshot.
    if (this.#status !== 'waiting') this.#status = 'stale';
    return { kind: 'gap', expectedId, receivedId };
  }

  #startPartial(diff: DepthDiff): BookOutput {
    this.#status = 'partial';
    this.#knownFrom = diff.firstId - 1;
    this.#write(diff);
    this.#learnFromTickers(diff.finalId, [], []);
    return { kind: 'synchronised', updateId: diff.finalId };
  }

  #takeSnapshot(snapshot: DepthSnapshot): readonly BookOutput[] {
    if (this.#status === 'whole') return NOTHING;
    const { lastUpdateId } = snapshot;
    const rest = this.#kept.filter((diff) => diff.finalId > lastUpdateId);
    const first = rest[0];
    if (first && first.firstId > lastUpdateId + 1) {
      return [{ kind: 'snapshot-too-old', lastUpdateId, firstId: first.firstId }];
    }
    this.bids.clear();
    this.asks.clear();
    for (const [price, quantity] of snapshot.bids) this.bids.set(price, quantity);
    for (const [price, quantity] of snapshot.asks) this.asks.set(price, quantity);
    this.#coverage.bid.restart(snapshot.bids);
    this.#coverage.ask.restart(snapshot.asks);
    this.#updateId = lastUpdateId;
    this.#knownFrom = lastUpdateId;
    this.#status = 'whole';
    this.#kept = [];
    for (const diff of rest) this.#write(diff);
    return [{ kind: 'synchronised', updateId: this.#updateId }];
  }

  #takeTicker(ticker: BookTicker): readonly BookOutput[] {
    if (this.isLive && this.#isTold(ticker)) return NOTHING;
    if (!this.isLive || ticker.updateId > this.#updateId) {
      this.#tickers.push(ticker);
      if (this.#tickers.length > MAX_KEPT_TICKERS) this.#tickers.shift();
      return NOTHING;
    }
    const bids: Level[] = [];
    const asks: Level[] = [];
    this.#learn(ticker, bids, asks);
    return bids.length + asks.length === 0
      ? NOTHING
      : [{ kind: 'changed', updateId: this.#updateId, bids, asks }];
  }

  #isTold(ticker: BookTicker): boolean {
    return this.#coverage.bid.isKnown(ticker.bid[0]) && this.#coverage.ask.isKnown(ticker.ask[0]);
  }

  #changes(diff: DepthDiff): readonly BookOutput[] {
    const bids: Level[] = [];
    const asks: Level[] = [];
    this.#write(diff, bids, asks);
    this.#learnFromTickers(diff.finalId, bids, asks);
    return [{ kind: 'changed', updateId: diff.finalId, bids, asks }];
  }

  /** Applies a diff that is known to continue the book; collects what it changed. */
  #write(diff: DepthDiff, bids?: Level[], asks?: Level[]): void {
    for (const level of diff.bids) {
      this.#coverage.bid.nameByDiff(level[0]);
      if (this.bids.set(level[0], level[1])) bids?.push(level);
    }
    for (const level of diff.asks) {
      this.#coverage.ask.nameByDiff(level[0]);
      if (this.asks.set(level[0], level[1])) asks?.push(level);
    }
    this.#updateId = diff.finalId;
  }

  #learnFromTickers(upTo: number, bids: Level[], asks: Level[]): void {
    const { length } = this.#tickers;
    if (length === 0) return;
    const later: BookTicker[] = [];
    for (const ticker of this.#tickers) {
      if (ticker.updateId > upTo) later.push(ticker);
      else this.#learn(ticker, bids, asks);
    }
    this.#tickers = later;
  }

  /**
   * A level that no diff has named since `knownFrom` has not changed since then: what a ticker of any update since
   * then says of it is still so.
   */
  #learn(ticker: BookTicker, bids: Level[], asks: Level[]): void {
    if (ticker.updateId < this.#knownFrom) return;
    learnLevel(this.bids, this.#coverage.bid, ticker.bid, bids);
    learnLevel(this.asks, this.#coverage.ask, ticker.ask, asks);
  }
}

function learnLevel(side: BookSide, coverage: Coverage, level: Level, changed: Level[]): void {
  if (coverage.isKnown(level[0])) return;
  coverage.learn(level[0]);
  if (side.set(level[0], level[1])) changed.push(level);
}
