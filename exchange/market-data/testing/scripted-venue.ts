/** What another venue does, for tests. */
import type { VenueEvent } from '@exchange/feeds';

export const venueSymbol = 'BTCUSDT.BINANCE';

/** A level: quantity 0 removes it. */
export type VenueLevel = readonly [side: 'buy' | 'sell', price: number, quantity: number];

export type VenueStep =
  | { readonly kind: 'snapshot' | 'book'; readonly levels: readonly VenueLevel[] }
  | { readonly kind: 'trade'; readonly price: number; readonly quantity: number }
  | { readonly kind: 'gap' };

const startedAt = Date.UTC(2024, 7, 9);

/** Prices and quantities are whole numbers, so that ticks are hundreds of them. */
export function venueEventOf(step: VenueStep, run: number, sequence: number): VenueEvent {
  const time = new Date(startedAt + sequence * 1_000).toISOString();
  const numbers = { symbol: venueSymbol, run, sequence, time };
  if (step.kind === 'gap') return { kind: 'gap', ...numbers };
  if (step.kind === 'trade') {
    const { price, quantity } = step;
    return {
      kind: 'trade',
      ...numbers,
      id: sequence,
      price: `${price}.00`,
      quantity: `${quantity}`,
      side: 'buy',
    };
  }
  const levels = step.levels.map(([side, price, quantity]) => ({
    side,
    price: `${price}`,
    quantity: `${quantity}`,
  }));
  return { kind: step.kind, ...numbers, levels };
}

/** Counts as `feeds` does. */
export class ScriptedVenue {
  #run = 1;
  #sequence = 0;

  /** The next events of the run. */
  play(...steps: readonly VenueStep[]): VenueEvent[] {
    return steps.map((step) => venueEventOf(step, this.#run, ++this.#sequence));
  }

  /** From the beginning, under another number. */
  newRun(): void {
    this.#run += 1;
    this.#sequence = 0;
  }
}
