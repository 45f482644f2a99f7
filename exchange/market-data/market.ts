/**
 * One market as the public sees it: its book, and the latest updates by sequence, from which every subscriber reads at
 * its own pace. Memory does not grow with subscribers, however slow: who falls behind the oldest kept update is cut.
 */
import { platformError } from 'flotilla';
import { type Level, LevelSide } from './level-side.ts';
import type { BookUpdate, LevelChange, MarketUpdate, Side } from './market-update.ts';

/** Updates kept for subscribers and for resuming: minutes of a busy market. */
const keptUpdates = 8_192;

export interface BookView {
  readonly sequence: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

export class Market {
  readonly symbol: string;
  readonly #sides: Readonly<Record<Side, LevelSide>> = {
    buy: new LevelSide('buy'),
    sell: new LevelSide('sell'),
  };
  /** Ring by sequence modulo its size. */
  readonly #kept: MarketUpdate[] = [];
  #oldest: number;
  #sequence: number;
  readonly #waiting = new Set<() => void>();

  /** A market as it was stored. Its updates up to then are not kept. */
  constructor(symbol: string, sequence = 0, levels: Iterable<LevelChange> = []) {
    this.symbol = symbol;
    this.#sequence = sequence;
    this.#oldest = sequence + 1;
    for (const { side, price, quantity } of levels) this.#sides[side].set(price, quantity);
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** @throws FlotillaError `internal` when `update` does not follow the latest one. Nothing is changed then. */
  apply(update: MarketUpdate): void {
    if (update.sequence !== this.#sequence + 1) {
      throw platformError(
        'internal',
        `${this.symbol}: update ${update.sequence} does not follow ${this.#sequence}: a source has a gap`,
      );
    }
    if (update.kind === 'book') {
      for (const { side, price, quantity } of update.changes) this.#sides[side].set(price, quantity);
    }
    this.#sequence = update.sequence;
    this.#kept[update.sequence % keptUpdates] = update;
    if (this.#sequence - this.#oldest >= keptUpdates) this.#oldest = this.#sequence - keptUpdates + 1;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  book(depth = Number.POSITIVE_INFINITY): BookView {
    const { buy, sell } = this.#sides;
    return {
      sequence: this.#sequence,
      bids: buy.top(Math.min(depth, buy.size)),
      asks: sell.top(Math.min(depth, sell.size)),
    };
  }

  get crossed(): boolean {
    const { buy, sell } = this.#sides;
    return buy.best !== undefined && sell.best !== undefined && buy.best >= sell.best;
  }

  /** The update that turns this book into one with exactly `levels`. */
  replacement(levels: readonly LevelChange[], sequence: number, time: number): BookUpdate {
    const next = new Map(levels.map((level) => [`${level.side}${level.price}`, level]));
    const changes: LevelChange[] = [...levels];
    for (const side of ['buy', 'sell'] as const) {
      for (const [price] of this.#sides[side].all()) {
        if (!next.has(`${side}${price}`)) changes.push({ side, price, quantity: 0 });
      }
    }
    return { kind: 'book', symbol: this.symbol, sequence, time, changes };
  }

  /** Whether a subscriber who has everything up to `sequence` can go on without a snapshot. */
  canResume(sequence: number): boolean {
    return sequence <= this.#sequence && sequence + 1 >= this.#oldest;
  }

  /**
   * Every update after `sequence`, in order, until `signal`.
   *
   * @throws FlotillaError `overloaded` for a subscriber so slow that its next update is no longer kept.
   */
  async *updatesAfter(sequence: number, signal: AbortSignal): AsyncGenerator<MarketUpdate, void> {
    let next = sequence + 1;
    while (!signal.aborted) {
      if (next > this.#sequence) {
        await this.#changed(signal);
        continue;
      }
      if (next < this.#oldest) {
        throw platformError(
          'overloaded',
          `too slow: update ${next} of ${this.symbol} is no longer kept; subscribe anew for a snapshot`,
        );
      }
      yield this.#kept[next % keptUpdates]!;
      next++;
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
