/**
 * Checks the rebuilt book of a recording against what the venue itself said: after each diff with final update u, best
 * bid and ask, price and quantity, must be those of the last book ticker with an id of at most u.
 *
 * The two streams are not received in the order of their ids: a ticker comes at once, the diff that contains the same
 * update up to 100 ms later, and nothing forbids the reverse. So a diff waits until a ticker of a later update, or the
 * end, shows that no ticker for it can still come; then it is applied and the book compared.
 */

import type { BookTicker, DepthDiff, DepthSnapshot, Level, VenueMessage } from './message.ts';
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
/** Tickers in wait of a diff, and diffs in wait of a ticker: a stream that stops must not fill the memory. */
const MAX_TICKERS = 100_000;
const MAX_WAITING = 1_000;

/** Streams through a recording and checks all of it. Rejects with a RecordingError at the first damage. */
export async function verifyRecording(
  file: string,
  options: RecordingOptions & VenueBookOptions = {},
): Promise<Verification> {
  const check = new BookCheck(options);
  for await (const message of readRecording(file, options)) check.take(message);
  return check.finish(file);
}

class BookCheck {
  readonly #book: VenueBook;
  readonly #counts = { diff: 0, ticker: 0, trade: 0, snapshot: 0 };
  readonly #mismatches: Mismatch[] = [];
  readonly #gaps: Gap[] = [];
  /** In the order received, until a ticker of a later update is there. */
  #waiting: (DepthDiff | DepthSnapshot)[] = [];
  /** Ascending ids; those before the last with an id of at most the book's are gone. */
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
    if (message.kind === 'trade') return;
    if (message.kind === 'ticker') this.#takeTicker(message);
    else this.#waiting.push(message);
    const newest = this.#tickers.at(-1)?.updateId ?? Number.NEGATIVE_INFINITY;
    let ready = 0;
    while (ready < this.#waiting.length && lastId(this.#waiting[ready]!) < newest) ready++;
    this.#build(this.#waiting.length > MAX_WAITING ? this.#waiting.length : ready);
  }

  #takeTicker(ticker: BookTicker): void {
    this.#book.apply(ticker);
    const newest = this.#tickers.at(-1);
    if (newest && ticker.updateId <= newest.updateId) return;
    this.#tickers.push(ticker);
    if (this.#tickers.length > MAX_TICKERS) this.#tickers.splice(0, MAX_TICKERS / 2);
  }

  /** Gives the first `count` waiting messages to the book and compares it after each. */
  #build(count: number): void {
    if (count === 0) return;
    for (const message of this.#waiting.splice(0, count)) {
      const before = this.#book.updateId;
      for (const output of this.#book.apply(message)) {
        if (output.kind !== 'gap' || this.#gaps.length >= GAPS_SHOWN) continue;
        this.#gaps.push({ line: message.line, expectedId: output.expectedId, receivedId: output.receivedId });
      }
      this.#forget(lastId(message));
      if (message.kind === 'diff' && this.#book.isLive && this.#book.updateId !== before)
        this.#compare(message.line);
    }
  }

  #compare(line: number): void {
    const { bids, asks, updateId } = this.#book;
    const bid = best(bids);
    const ask = best(asks);
    if (bid && ask && bid[0] >= ask[0]) this.#crossed++;
    const ticker = this.#tickers[0];
    if (!ticker || ticker.updateId > updateId) return;
    this.#compared++;
    if (this.#book.isLearned('bid', ticker.bid[0]) || this.#book.isLearned('ask', ticker.ask[0]))
      this.#toldByTicker++;
    if (equal(bid, ticker.bid) && equal(ask, ticker.ask)) return;
    this.#mismatchCount++;
    if (this.#mismatches.length >= MISMATCHES_SHOWN) return;
    const venue = { bid: ticker.bid, ask: ticker.ask };
    this.#mismatches.push({ line, updateId, tickerId: ticker.updateId, book: { bid, ask }, venue });
  }

  /** Drops the tickers before the last one with an id of at most `updateId`. */
  #forget(updateId: number): void {
    let keep = 0;
    while (keep + 1 < this.#tickers.length && this.#tickers[keep + 1]!.updateId <= updateId) keep++;
    if (keep > 0) this.#tickers.splice(0, keep);
  }

  finish(file: string): Verification {
    this.#build(this.#waiting.length);
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

function lastId(message: DepthDiff | DepthSnapshot): number {
  return message.kind === 'diff' ? message.finalId : message.lastUpdateId;
}

function equal(level: Level | undefined, other: Level): boolean {
  return level !== undefined && level[0] === other[0] && level[1] === other[1];
}

function iso(ns: bigint | undefined): string | undefined {
  return ns === undefined ? undefined : new Date(Number(ns / 1_000_000n)).toISOString();
}
