/** What a replay plays, in the words of the contract. */
import type { Instrument } from '@exchange/reference';
import { formatFixed } from '@exchange/reference/units';
import type { VenueEvent } from './contract.ts';
import type { Level, MarketEvent } from './venue/index.ts';

export const venueInstrument: Instrument = {
  symbol: 'BTCUSDT.BINANCE',
  base: 'BTC',
  quote: 'USDT',
  tickSize: '0.01',
  lotSize: '0.00000001',
  status: 'external',
  referencePrice: '60000.00',
};
/** Fine enough that one tick of one lot is a whole number of minor units. */
export const venueAssets = { BTC: 8, USDT: 10 };

/** With which a recording of the instrument is read. */
export const venueScale = { priceDecimals: 2, quantityDecimals: 8 };

/** What every event has. */
export function played(run: number, sequence: number, timeMs: number) {
  return { symbol: venueInstrument.symbol, run, sequence, time: new Date(timeMs).toISOString() };
}

export function venueEvent(run: number, event: MarketEvent): VenueEvent {
  const numbers = played(run, event.sequence, event.time);
  switch (event.kind) {
    case 'snapshot':
    case 'book':
      return { kind: event.kind, ...numbers, levels: venueLevels(event.bids, event.asks) };
    case 'trade': {
      const { id, side } = event;
      return {
        kind: 'trade',
        ...numbers,
        id,
        price: price(event.price),
        quantity: quantity(event.quantity),
        side,
      };
    }
    case 'gap':
      return { kind: 'gap', ...numbers };
  }
}

export function venueLevels(bids: readonly Level[], asks: readonly Level[]) {
  const levels = (side: 'buy' | 'sell', list: readonly Level[]) =>
    list.map((level) => ({ side, price: price(level[0]), quantity: quantity(level[1]) }));
  return [...levels('buy', bids), ...levels('sell', asks)];
}

/** The middle between two prices, rounded down to one that can be written. */
export function middle(bid: number, ask: number): string {
  return price(Math.floor((bid + ask) / 2));
}

function price(ticks: number): string {
  return formatFixed(ticks, venueScale.priceDecimals);
}

function quantity(lots: number): string {
  return formatFixed(lots, venueScale.quantityDecimals);
}
