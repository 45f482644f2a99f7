/** Market data as the public sees it: decimal strings instead of ticks and lots. */
import { formatFixed, type InstrumentUnits, lotsToQuantity, ticksToPrice } from '@exchange/reference/units';
import type { CandleRow } from './candle-store.ts';
import type { Book, Candle, MarketEvent, Trade } from './contract.ts';
import type { BookView, Level } from './market.ts';
import type { BookUpdate, MarketUpdate, Side, TradeUpdate } from './market-update.ts';

type Units = InstrumentUnits;

export function presentBook(units: Units, { sequence, bids, asks }: BookView): Book {
  return { symbol: units.symbol, sequence, bids: levels(units, bids), asks: levels(units, asks) };
}

export function presentTrade(
  units: Units,
  { id, sequence, price, quantity, side, time }: TradeUpdate,
): Trade {
  return {
    id,
    sequence,
    price: ticksToPrice(units, price),
    quantity: lotsToQuantity(units, quantity),
    side,
    time: new Date(time).toISOString(),
  };
}

export function presentCandle(units: Units, row: CandleRow): Candle {
  return {
    time: new Date(row.time).toISOString(),
    open: ticksToPrice(units, row.open),
    high: ticksToPrice(units, row.high),
    low: ticksToPrice(units, row.low),
    close: ticksToPrice(units, row.close),
    volume: lotsToQuantity(units, row.volume),
    trades: row.trades,
  };
}

export function presentUpdate(units: Units, update: MarketUpdate): MarketEvent {
  if (update.kind === 'trade') return { type: 'trade', symbol: units.symbol, ...presentTrade(units, update) };
  return {
    type: 'book',
    symbol: units.symbol,
    sequence: update.sequence,
    time: new Date(update.time).toISOString(),
    bids: changes(units, update, 'buy'),
    asks: changes(units, update, 'sell'),
  };
}

export function presentSnapshot(units: Units, view: BookView): MarketEvent {
  return { type: 'snapshot', ...presentBook(units, view) };
}

function changes(units: Units, update: BookUpdate, side: Side): [string, string][] {
  const own = update.changes.filter((change) => change.side === side);
  return levels(
    units,
    own.map(({ price, quantity }) => [price, quantity] as const),
  );
}

function levels(units: Units, list: readonly Level[]): [string, string][] {
  return list.map(([price, quantity]) => [
    ticksToPrice(units, price),
    quantity === 0 ? formatFixed(0, units.quantityDecimals) : lotsToQuantity(units, quantity),
  ]);
}
