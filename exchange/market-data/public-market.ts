/** One market as the public sees it, as a book to ask for and as a stream. */
import type { InstrumentUnits } from '@exchange/reference/units';
import { platformError } from 'flotilla';
import type { Book, MarketEvent } from './contract.ts';
import type { Market } from './market.ts';
import type { MarketUpdate } from './market-update.ts';
import { presentBook, presentSnapshot, presentUpdate } from './presentation.ts';

export class PublicMarket {
  readonly units: InstrumentUnits;
  readonly #market: Market;
  /** Every update is put into words once, whatever the number of subscribers, and frozen: encoded once, too. */
  readonly #events = new WeakMap<MarketUpdate, MarketEvent>();
  /** The latest: a crowd that comes at one moment gets the same. */
  #snapshot: MarketEvent | undefined;

  constructor(market: Market, units: InstrumentUnits) {
    this.#market = market;
    this.units = units;
  }

  book(depth?: number): Book {
    return presentBook(this.units, this.#market.book(depth));
  }

  /**
   * What happens after `after`, until `signal`: where that is not kept or not given, a snapshot first. Every event has
   * the sequence that follows the one before it.
   *
   * @throws FlotillaError `overloaded` for a subscriber so slow that its next update is no longer kept.
   */
  async *stream(after: number | undefined, signal: AbortSignal): AsyncGenerator<MarketEvent, void> {
    const { recent, symbol } = this.#market;
    // Asking the signal itself is not cheap when it is one of several: it is asked once, not for every update.
    let stopped = signal.aborted;
    const stop = (): void => {
      stopped = true;
      recent.wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      let next = after === undefined ? 0 : after + 1;
      if (next < recent.oldest || next > recent.latest + 1) {
        const snapshot = this.#present();
        next = snapshot.sequence + 1;
        yield snapshot;
      }
      while (!stopped) {
        const update = recent.at(next);
        if (update !== undefined) {
          next += 1;
          yield this.#event(update);
        } else if (next > recent.latest) {
          await recent.changed();
        } else {
          throw platformError(
            'overloaded',
            `too slow: update ${next} of ${symbol} is no longer kept; subscribe anew for a snapshot`,
          );
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  #present(): MarketEvent {
    const market = this.#market;
    if (this.#snapshot?.sequence !== market.sequence) {
      this.#snapshot = Object.freeze(presentSnapshot(this.units, market.book()));
    }
    return this.#snapshot!;
  }

  #event(update: MarketUpdate): MarketEvent {
    let event = this.#events.get(update);
    if (event === undefined) {
      event = Object.freeze(presentUpdate(this.units, update));
      this.#events.set(update, event);
    }
    return event;
  }
}
