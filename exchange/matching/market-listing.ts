/** The catalogue's markets, brought into the engine. */
import type { Catalogue } from '@exchange/reference';
import type { MarketStatus } from './engine/index.ts';

/** What a listing needs of the sequencer. */
export interface Listable {
  setMarket(symbol: string, status: MarketStatus): void;
  readonly state: { readonly markets: ReadonlyMap<string, unknown> };
}

/**
 * Lists what is new and sets what has changed. A book of another venue is not matched here: it is never listed, and a
 * market that becomes one is closed. A market that the catalogue no longer has stays as it is.
 */
export function listMarkets(catalogue: Catalogue, sequencer: Listable): void {
  for (const { symbol, status } of catalogue.instruments) {
    if (status !== 'external') sequencer.setMarket(symbol, status);
    else if (sequencer.state.markets.has(symbol)) sequencer.setMarket(symbol, 'closed');
  }
}
