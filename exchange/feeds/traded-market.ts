/** What the participants see of one of our markets: its best prices, kept from the engine's log. */
import type { EngineEvent } from '@exchange/matching';
import { BookSide } from './venue/book-side.ts';

export interface DepthView {
  readonly bids: readonly (readonly [price: number, quantity: number])[];
  readonly asks: readonly (readonly [price: number, quantity: number])[];
}

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

  apply(event: Extract<EngineEvent, { kind: 'book' }>): void {
    for (const { side, price, quantity } of event.changes) {
      (side === 'buy' ? this.#bids : this.#asks).set(price, quantity);
    }
  }
}
