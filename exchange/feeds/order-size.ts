/**
 * How large a participant's usual order is. Worth the same in every market, whatever a lot of it is: so that a visitor
 * with a demo account finds several of its own orders on each side of a book, and not a hundredth of one.
 */
import { type InstrumentUnits, notional } from '@exchange/reference/units';

/** In whole units of the quote asset. */
const worth = 5_000n;
/** Participants are funded with a hundred times this. */
const mostLots = 10_000;

/** A usual order in lots, at a price in ticks. */
export function orderSize(units: InstrumentUnits, ticks: number): number {
  const lots = (worth * 10n ** BigInt(units.quoteDecimals)) / notional(units, ticks, 1);
  return Math.min(mostLots, Math.max(1, Number(lots)));
}
