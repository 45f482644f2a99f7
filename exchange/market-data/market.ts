/** One market: its book, and the latest updates by sequence, from which its subscribers read. */
import { BookSide } from '@exchange/feeds/book-side';
import { LiveSequence } from './live-sequence.ts';
import type { LevelChange, MarketUpdate, Side } from './market-update.ts';

/** Updates kept for subscribers and for resuming: minutes of a busy market. */
const keptUpdates = 8_192;

export type Level = readonly [price: number, quantity: number];

export interface BookView {
  readonly sequence: number;
  /** Best first. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

export class Market {
  readonly symbol: string;
  readonly recent: LiveSequence<MarketUpdate>;
  readonly #sides: Readonly<Record<Side, BookSide>> = { buy: new BookSide('bid'), sell: new BookSide('ask') };

  /** A market as it was stored. Its updates up to then are not kept. */
  constructor(symbol: string, sequence = 0, levels: Iterable<LevelChange> = [], kept = keptUpdates) {
    this.symbol = symbol;
    this.recent = new LiveSequence(sequence, kept);
    for (const { side, price, quantity } of levels) this.#sides[side].set(price, quantity);
  }

  /** Of the latest update. */
  get sequence(): number {
    return this.recent.latest;
  }

  /** @throws FlotillaError `internal` when `update` does not follow the latest one. Nothing is changed then. */
  apply(update: MarketUpdate): void {
    this.recent.append(update);
    if (update.kind !== 'book') return;
    for (const { side, price, quantity } of update.changes) this.#sides[side].set(price, quantity);
  }

  book(depth?: number): BookView {
    const { buy, sell } = this.#sides;
    return { sequence: this.sequence, bids: buy.levels(depth), asks: sell.levels(depth) };
  }

  get crossed(): boolean {
    const bid = this.#sides.buy.bestPrice;
    const ask = this.#sides.sell.bestPrice;
    return bid !== undefined && ask !== undefined && bid >= ask;
  }
}
