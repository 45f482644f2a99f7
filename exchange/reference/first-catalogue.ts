/** What can be traded on a new exchange. */
import type { Catalogue } from './contract.ts';

export const firstCatalogue: Catalogue = {
  version: 1,
  assets: { USD: 6, BTC: 8, ETH: 8, SOL: 8 },
  instruments: [
    {
      symbol: 'BTC-USD',
      base: 'BTC',
      quote: 'USD',
      tickSize: '0.01',
      lotSize: '0.0001',
      status: 'open',
      referencePrice: '60000.00',
    },
    {
      symbol: 'ETH-USD',
      base: 'ETH',
      quote: 'USD',
      tickSize: '0.01',
      lotSize: '0.001',
      status: 'open',
      referencePrice: '2600.00',
    },
    {
      symbol: 'SOL-USD',
      base: 'SOL',
      quote: 'USD',
      tickSize: '0.001',
      lotSize: '0.01',
      status: 'open',
      referencePrice: '150.000',
    },
  ],
};
