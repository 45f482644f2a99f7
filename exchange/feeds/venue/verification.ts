/**
 * Checks the rebuilt book of a recording against what the venue itself said: after each diff with final update u, best
 * bid and ask, price and quantity, must be those of the last book ticker with an id of at most u.
 *
 * The two streams are not received in the order of their ids: a ticker comes at once, the diff that contains the same
 * update up to 100 ms later, and nothing forbids the reverse. So a diff is compared when a ticker of a later update,
 * or the end, shows that no ticker for it can still come.
 */

import type { BookTicker, Level, VenueMessage } from './message.ts';
import { type RecordingOptions, readRecording } from './recording.ts';
import { type BookStatus, VenueBook, type VenueBookOptions } from './venue-book.ts';

export interface BestLevels {
  readonly bid: Level | undefined;
  readonly ask: Level | undefined;
}

export interface Mismatch {
  /** Line of the message that brought the book to `updateId`. */
  readonly line: number;
  readonly updateId: number;
  readonly tickerId: number;
  readonly book: BestLevels;
  readonly venue: BestLevels;
}

export interface Gap {
  readonly line: number;
  readonly expectedId: number;
  readonly receivedId: number;
}

export interface Verification {
  readonly file: string;
  readonly messages: number;
  readonly diffs: number;
  readonly tickers: number;
  readonly trades: number;
  readonly snapshots: number;
  /** States of the book that were compared with a ticker: one per applied diff. */
  readonly compared: number;
  /** Of `compared`: those whose best bid or ask no diff had named yet, so that a ticker had to tell it. */
  readonly toldByTicker: number;
  /** Diffs without a comparison: before the first ticker, before the snapshot where one is required, or stale. */
  readonly uncompared: number;
  readonly mismatchCount: number;
  /** The first ten. */
  readonly mismatches: readonly Mismatch[];
  /** How often the book was crossed or locked after a message. */
  readonly crossed: number;
  readonly gaps: readonly Gap[];
  /** How the book ended. */
  readonly status: BookStatus;
  /** Receive times of the first and last message, ISO 8601. */
  readonly firstTime: string | undefined;
  readonly lastTime: string | undefined;
}

const MISMATCHES_SHOWN = 10;
const GAPS_SHOWN = 100;
/** Tickers in wait of a diff. A recording in which the diffs stop must not fill the memory. */
const MAX_TICKERS = 100_000;

/** Streams through a recording and checks all of it. Rejects with a RecordingError at the first damage. */
export async function verifyRecording(
  file: string,
  options: RecordingOptions & VenueBookOptions = {},
): Promise<Verification> {
  const check = new BookCheck(options);
  for await (const message of readRecording(file, options)) check.take(message);
  return check.finish(file);
}

interface Pending {
  readonly line: number;
  readonly updateId: number;
  bid: Level | undefined;
  ask: Level | undefined;
  told: boolean;
}

class BookCheck {
  readonly #book: VenueBook;
  readonly #counts = { diff: 0, ticker: 0, trade: 0, snapshot: 0 };
  readonly #mismatches: Mismatch[] = [];
  readonly #gaps: Gap[] = [];
  #pending: Pending[] = [];
  /** Ascending ids; the first is the last one known to be needed. */
  #tickers: BookTicker[] = [];
  #compared = 0;
  #toldByTicker = 0;
  #mismatchCount = 0;
  #crossed = 0;
  #firstNs: bigint | undefined;
  #lastNs: bigint | undefined;

  constructor(options: VenueBookOptions) {
    this.#book = new VenueBook(options);
  }

  take(message: VenueMessage): void {
    this.#counts[message.kind]++;
    this.#firstNs ??= message.receivedNs;
    this.#lastNs = message.receivedNs;
    const book = this.#book;
    const before = book.updateId;
    for (const output of book.apply(message)) {
      if (output.kind === 'gap' && this.#gaps.length < GAPS_SHOWN) {
        this.#gaps.push({ line: message.line, expectedId: output.expectedId, receivedId: output.receivedId });
      }
      if (output.kind === 'changed' && message.kind === 'ticker') this.#improve(output.bids, output.asks);
    }
    if (message.kind === 'ticker') this.#takeTicker(message);
    if (message.kind === 'diff') {
      if (book.isLive && book.updateId !== before) this.#takeBook(message.line);
      this.#settle(message.finalId);
    }
  }

  #takeBook(line: number): void {
    const { bids, asks, updateId } = this.#book;
    const bid = best(bids);
    const ask = best(asks);
    if (bid && ask && bid[0] >= ask[0]) this.#crossed++;
    const told =
      (bid !== undefined && this.#book.isLearned('bid', bid[0])) ||
      (ask !== undefined && this.#book.isLearned('ask', ask[0]));
    this.#pending.push({ line, updateId, bid, ask, told });
  }

  #takeTicker(ticker: BookTicker): void {
    const newest = this.#tickers.at(-1);
    if (newest && ticker.updateId <= newest.updateId) return;
    this.#tickers.push(ticker);
    if (this.#tickers.length > MAX_TICKERS) this.#tickers.splice(0, MAX_TICKERS / 2);
    this.#settle(Number.NEGATIVE_INFINITY);
  }

  /** A level that a late ticker told has been there all the time: also when the pending states were noted. */
  #improve(bids: readonly Level[], asks: readonly Level[]): void {
    for (const pending of this.#pending) {
      for (const level of bids) {
        if (!pending.bid || level[0] > pending.bid[0]) {
          pending.bid = level;
          pending.told = true;
        }
      }
      for (const level of asks) {
        if (!pending.ask || level[0] < pending.ask[0]) {
          pending.ask = level;
          pending.told = true;
        }
      }
    }
  }

  /** Compares what can be compared by now, and forgets tickers that neither that nor updates from `seen` on need. */
  #settle(seen: number): void {
    const newest = this.#tickers.at(-1)?.updateId ?? Number.NEGATIVE_INFINITY;
    let settled = 0;
    while (settled < this.#pending.length && this.#pending[settled]!.updateId < newest) {
      this.#compare(this.#pending[settled]!);
      settled++;
    }
    if (settled > 0) this.#pending.splice(0, settled);
    this.#forget(this.#pending[0]?.updateId ?? seen);
  }

  #compare(state: Pending): void {
    this.#forget(state.updateId);
    const ticker = this.#tickers[0];
    if (!ticker || ticker.updateId > state.updateId) return;
    this.#compared++;
    if (state.told) this.#toldByTicker++;
    if (equal(state.bid, ticker.bid) && equal(state.ask, ticker.ask)) return;
    this.#mismatchCount++;
    if (this.#mismatches.length >= MISMATCHES_SHOWN) return;
    this.#mismatches.push({
      line: state.line,
      updateId: state.updateId,
      tickerId: ticker.updateId,
      book: { bid: state.bid, ask: state.ask },
      venue: { bid: ticker.bid, ask: ticker.ask },
    });
  }

  /** Drops the tickers before the last one with an id of at most `updateId`. */
  #forget(updateId: number): void {
    let keep = 0;
    while (keep + 1 < this.#tickers.length && this.#tickers[keep + 1]!.updateId <= updateId) keep++;
    if (keep > 0) this.#tickers.splice(0, keep);
  }

  finish(file: string): Verification {
    for (const state of this.#pending) this.#compare(state);
    const { diff, ticker, trade, snapshot } = this.#counts;
    return {
      file,
      messages: diff + ticker + trade + snapshot,
      diffs: diff,
      tickers: ticker,
      trades: trade,
      snapshots: snapshot,
      compared: this.#compared,
      toldByTicker: this.#toldByTicker,
      uncompared: diff - this.#compared,
      mismatchCount: this.#mismatchCount,
      mismatches: this.#mismatches,
      crossed: this.#crossed,
      gaps: this.#gaps,
      status: this.#book.status,
      firstTime: iso(this.#firstNs),
      lastTime: iso(this.#lastNs),
    };
  }
}

function best(side: {
  readonly bestPrice: number | undefined;
  quantityAt(price: number): number;
}): Level | undefined {
  const price = side.bestPrice;
  return price === undefined ? undefined : [price, side.quantityAt(price)];
}

function equal(level: Level | undefined, other: Level): boolean {
  return level !== undefined && level[0] === other[0] && level[1] === other[1];
}

function iso(ns: bigint | undefined): string | undefined {
  return ns === undefined ? undefined : new Date(Number(ns / 1_000_000n)).toISOString();
}
