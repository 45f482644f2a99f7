/**
 * What an order may cost at worst: that is held until the order is done. A buyer holds quote for all remaining lots at
 * the limit (market orders: the protection price), a seller the lots themselves. Linear in the lots, so that hold and
 * release always match.
 */
import type { NewOrder } from '@exchange/matching';
import { type InstrumentUnits, lotsToBase, notional } from '@exchange/reference/units';

export type Priced = Pick<NewOrder, 'side' | 'type' | 'price' | 'protection'>;

/** The asset that the order pays with. */
export function heldAsset(order: Priced, units: InstrumentUnits): string {
  return order.side === 'buy' ? units.quote : units.base;
}

/** The hold for some lots of the order, in minor units of {@link heldAsset}. */
export function holdFor(order: Priced, units: InstrumentUnits, lots: number): bigint {
  return order.side === 'buy' ? notional(units, worstPrice(order), lots) : lotsToBase(units, lots);
}

function worstPrice({ type, price, protection }: Priced): number {
  return (type === 'limit' ? price : protection)!;
}
