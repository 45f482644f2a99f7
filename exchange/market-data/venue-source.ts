/** The market of the other venue, as `feeds` plays it, as market updates. */
import type { VenueEvent } from '@exchange/feeds';
import { type InstrumentUnits, priceToTicks, quantityToLots } from '@exchange/reference/units';
import type { LevelChange, MarketUpdate } from './market-update.ts';

/** The market before an event. */
export interface Before {
  /** Of its latest update. */
  readonly sequence: number;
  /** Asked for only where the event replaces the book. */
  readonly levels: () => readonly LevelChange[];
}

/** Whether an event stands on the book before it, or replaces that. */
export function replacesBook({ kind }: VenueEvent): boolean {
  return kind === 'snapshot' || kind === 'gap';
}

/**
 * The update that an event means for a market; undefined when it changes nothing there. A snapshot becomes the
 * difference to the present book, so that a subscriber sees one kind of change only. After a gap the book is unknown,
 * and an empty one is the honest one. The public sequence is counted on: whatever becomes of the replay, it has no gaps.
 */
export function updateOf(
  event: VenueEvent,
  before: Before,
  units: InstrumentUnits,
): MarketUpdate | undefined {
  const { symbol } = event;
  const sequence = before.sequence + 1;
  const time = Date.parse(event.time);
  if (event.kind === 'trade') {
    const { id, side } = event;
    const price = priceToTicks(units, event.price);
    const quantity = quantityToLots(units, event.quantity);
    return { kind: 'trade', symbol, sequence, time, id, price, quantity, side };
  }
  const levels = event.kind === 'gap' ? [] : changesOf(event.levels, units);
  const changes = replacesBook(event) ? differences(before.levels(), levels) : levels;
  return changes.length === 0 ? undefined : { kind: 'book', symbol, sequence, time, changes };
}

type VenueLevel = Extract<VenueEvent, { levels: unknown }>['levels'][number];

function changesOf(levels: readonly VenueLevel[], units: InstrumentUnits): LevelChange[] {
  return levels.map(({ side, price, quantity }) => ({
    side,
    price: priceToTicks(units, price),
    quantity: Number(quantity) === 0 ? 0 : quantityToLots(units, quantity),
  }));
}

/** What turns one book into another: what differs, and nothing else. */
function differences(from: readonly LevelChange[], to: readonly LevelChange[]): LevelChange[] {
  const left = new Map(from.map((level) => [keyOf(level), level]));
  const changes: LevelChange[] = [];
  for (const level of to) {
    const key = keyOf(level);
    if (left.get(key)?.quantity !== level.quantity) changes.push(level);
    left.delete(key);
  }
  for (const { side, price } of left.values()) changes.push({ side, price, quantity: 0 });
  return changes;
}

function keyOf({ side, price }: LevelChange): string {
  return `${side} ${price}`;
}
