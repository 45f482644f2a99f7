/** What the participants see of one of our markets: its best prices, kept from the engine's log. */
import type { EngineEvent } from '@exchange/matching';
import { BookSide } from './venue/book-side.ts';

export interface DepthView {
  readonly bids: readonly (readonly [price: number, quantity: number])[];
  readonly asks: readonly (readonly [price: number, quantity: number])[];
}

/** A spread wider than this part of the price is of orders that nobody minds. */
const meaningfulPart = 50;

export class TradedMarket {
  readonly #bids = new BookSide('bid');
  readonly #asks = new BookSide('ask');

  constructor(depth: DepthView = { bids: [], asks: [] }) {
    for (const [price, quantity] of depth.bids) this.#bids.set(price, quantity);
    for (const [price, quantity] of depth.asks) this.#asks.set(price, quantity);
  }

  get bestBid(): number | undefined {
    return this.#bids.bestPrice;
  }

  get bestAsk(): number | undefined {
    return this.#asks.bestPrice;
  }

  /** Between the best prices, in whole ticks; undefined where they are too far apart to mean anything. */
  get middle(): number | undefined {
    const { bestBid, bestAsk } = this;
    if (bestBid === undefined || bestAsk === undefined) return undefined;
    return (bestAsk - bestBid) * meaningfulPart > bestBid ? undefined : Math.floor((bestBid + bestAsk) / 2);
  }

  apply(event: Extract<EngineEvent, { kind: 'book' }>): void {
    for (const { side, price, quantity } of event.changes) {
      (side === 'buy' ? this.#bids : this.#asks).set(price, quantity);
    }
  }
}
