/** The market of the other venue, as `feeds` plays it, as market updates. */
import type { VenueEvent } from '@exchange/feeds';
import { type InstrumentUnits, priceToTicks, quantityToLots } from '@exchange/reference/units';
import type { Market } from './market.ts';
import type { LevelChange, MarketUpdate } from './market-update.ts';

/**
 * The update that an event means for `market`. A snapshot becomes the difference to the present book, so that a
 * subscriber sees one kind of change only. After a gap the book is unknown, and an empty one is the honest one. The
 * public sequence is counted here: whatever becomes of the replay, it has no gaps.
 */
export function updateOf(event: VenueEvent, market: Market, units: InstrumentUnits): MarketUpdate {
  const { symbol } = event;
  const sequence = market.sequence + 1;
  const time = Date.parse(event.time);
  switch (event.kind) {
    case 'trade':
      return {
        kind: 'trade',
        symbol,
        sequence,
        time,
        id: event.id,
        price: priceToTicks(units, event.price),
        quantity: quantityToLots(units, event.quantity),
        side: event.side,
      };
    case 'book':
      return { kind: 'book', symbol, sequence, time, changes: changesOf(event.levels, units) };
    case 'snapshot':
      return market.replacement(changesOf(event.levels, units), sequence, time);
    case 'gap':
      return market.replacement([], sequence, time);
  }
}

type VenueLevel = Extract<VenueEvent, { levels: unknown }>['levels'][number];

function changesOf(levels: readonly VenueLevel[], units: InstrumentUnits): LevelChange[] {
  return levels.map(({ side, price, quantity }) => ({
    side,
    price: priceToTicks(units, price),
    quantity: Number(quantity) === 0 ? 0 : quantityToLots(units, quantity),
  }));
}
