/** `feeds` for tests: plays what it is given, breaks where it is told, and serves positions as the real one does. */
import type { VenueEvent } from '@exchange/feeds';
import { platformError } from 'flotilla';

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

export class ScriptedVenue {
  /** What each connection asked for. */
  readonly asked: ({ run: number; sequence: number } | undefined)[] = [];
  /** Sequences behind which the connection is lost, once. */
  readonly breaks = new Set<number>();
  #run = 1;
  #steps: VenueStep[] = [];
  readonly #waiting = new Set<() => void>();

  play(...steps: readonly VenueStep[]): void {
    this.#steps.push(...steps);
    for (const wake of this.#waiting) wake();
  }

  /** From the beginning, under another number. */
  newRun(): void {
    this.#run += 1;
    this.#steps = [];
    for (const wake of this.#waiting) wake();
  }

  async *venue(
    { after }: { after?: { run: number; sequence: number } | undefined } = {},
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<VenueEvent, void> {
    this.asked.push(after);
    const run = this.#run;
    let next = after?.run === run ? after.sequence : 0;
    while (!signal?.aborted) {
      if (run !== this.#run) throw platformError('unavailable', 'feeds was started again');
      const step = this.#steps[next];
      if (step) {
        next += 1;
        yield venueEventOf(step, run, next);
        if (this.breaks.delete(next)) throw platformError('unavailable', 'the connection was lost');
      } else {
        await this.#changed(signal);
      }
    }
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}
