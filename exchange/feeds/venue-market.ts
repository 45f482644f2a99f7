/**
 * The market of another venue, played from a recording: to subscribers as events, to the participants as a mid price.
 * What has been played is on disk before it is out, so that a restart neither repeats nor skips.
 */

import type { StatementSync } from 'node:sqlite';
import type { Instrument } from '@exchange/reference';
import { formatFixed } from '@exchange/reference/units';
import type { Database, Logger } from 'flotilla';
import type { VenueEvent } from './contract.ts';
import { openPosition, type Position } from './replay-position.ts';
import { type Level, type MarketEvent, RecordingError, Replay, systemClock } from './venue/index.ts';

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

const priceDecimals = 2;
const quantityDecimals = 8;
/** Events kept for subscribers that come back. */
const keptEvents = 4_096;

export type ReplayState = 'playing' | 'gap' | 'ended' | 'damaged';

export interface VenueMarketOptions {
  readonly file: string;
  readonly database: Database;
  /** Recorded seconds in one; see Replay. */
  readonly speed: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export class VenueMarket {
  readonly #options: VenueMarketOptions;
  readonly #replay: Replay;
  readonly #run: number;
  readonly #savePosition: StatementSync;
  readonly #kept: VenueEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #sequence: number;
  #lastTime = new Date(0).toISOString();
  #state: ReplayState = 'playing';
  #reason: string | undefined;
  #gaps = 0;

  /** @throws FlotillaError when the recording cannot be read at all. */
  static async open(options: VenueMarketOptions): Promise<VenueMarket> {
    return new VenueMarket(options, await openPosition(options.database, options.file));
  }

  private constructor(options: VenueMarketOptions, { run, sequence }: Position) {
    const { file, speed, signal, database } = options;
    this.#options = options;
    this.#run = run;
    this.#sequence = sequence;
    this.#savePosition = database.prepare('UPDATE replay SET sequence = ?, ended = ?');
    this.#replay = new Replay(file, {
      priceDecimals,
      quantityDecimals,
      clock: systemClock,
      speed,
      signal,
      after: sequence,
    });
  }

  get status() {
    return {
      symbol: venueInstrument.symbol,
      state: this.#state,
      sequence: this.#sequence,
      gaps: this.#gaps,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
  }

  /** The middle of the best bid and ask, as a price; undefined while the book is unknown. */
  get mid(): string | undefined {
    if (this.#state !== 'playing' && this.#state !== 'ended') return undefined;
    const { bids, asks } = this.#replay.levels(1);
    const bid = bids[0]?.[0];
    const ask = asks[0]?.[0];
    return bid === undefined || ask === undefined
      ? undefined
      : formatFixed(Math.floor((bid + ask) / 2), priceDecimals);
  }

  /** Plays until the end, the first damage, or the signal. Never throws. */
  async play(): Promise<void> {
    const { file, log } = this.#options;
    log.info('playing a recording', { file, run: this.#run, after: this.#sequence });
    try {
      for await (const event of this.#replay.events()) await this.#publish(event);
      if (this.#options.signal.aborted) return;
      this.#state = 'ended';
      log.info('the recording has ended', { file, events: this.#sequence });
    } catch (error) {
      this.#state = 'damaged';
      this.#reason = (error as Error).message;
      const line = error instanceof RecordingError ? error.line : undefined;
      log.error(`the recording is damaged: ${this.#reason}`, { file, line });
      await this.#emit({ kind: 'gap', ...this.#numbers(this.#sequence + 1, this.#lastTime) });
    }
    await this.#save(true);
  }

  /** Events after a position, or a snapshot and what follows it where the position is of another run or long ago. */
  async *events(after: Position | undefined, signal: AbortSignal): AsyncGenerator<VenueEvent, void> {
    let next = this.#canResume(after) ? after!.sequence + 1 : undefined;
    while (!signal.aborted) {
      if (next === undefined || next < this.#oldest) {
        const snapshot = this.#snapshot();
        if (snapshot) {
          yield snapshot;
          next = snapshot.sequence + 1;
          continue;
        }
      } else if (next <= this.#sequence) {
        yield this.#kept[next % keptEvents]!;
        next++;
        continue;
      }
      await this.#changed(signal);
    }
  }

  get #oldest(): number {
    return Math.max(1, this.#sequence - Math.min(this.#kept.length, keptEvents) + 1);
  }

  #canResume(after: Position | undefined): boolean {
    return after?.run === this.#run && after.sequence <= this.#sequence && after.sequence + 1 >= this.#oldest;
  }

  #snapshot(): VenueEvent | undefined {
    const { status, sequence } = this.#replay.position;
    if (this.#state === 'damaged' || status === 'stale') {
      return { kind: 'gap', ...this.#numbers(this.#sequence, this.#lastTime) };
    }
    if (status === 'waiting' || sequence !== this.#sequence) return undefined;
    const { bids, asks } = this.#replay.levels();
    return { kind: 'snapshot', ...this.#numbers(sequence, this.#lastTime), levels: present(bids, asks) };
  }

  async #publish(event: MarketEvent): Promise<void> {
    this.#lastTime = new Date(event.time).toISOString();
    const numbers = this.#numbers(event.sequence, this.#lastTime);
    switch (event.kind) {
      case 'snapshot':
        this.#state = 'playing';
        return this.#emit({ kind: 'snapshot', ...numbers, levels: present(event.bids, event.asks) });
      case 'book':
        return this.#emit({ kind: 'book', ...numbers, levels: present(event.bids, event.asks) });
      case 'trade':
        return this.#emit({
          kind: 'trade',
          ...numbers,
          id: event.id,
          price: formatFixed(event.price, priceDecimals),
          quantity: formatFixed(event.quantity, quantityDecimals),
          side: event.side,
        });
      case 'gap':
        this.#state = 'gap';
        this.#gaps += 1;
        this.#options.log.warn('the recording has a gap: the book is unknown until the next snapshot', {
          expected: event.expectedId,
          received: event.receivedId,
        });
        return this.#emit({ kind: 'gap', ...numbers });
    }
  }

  #numbers(sequence: number, time: string) {
    return { symbol: venueInstrument.symbol, run: this.#run, sequence, time };
  }

  async #emit(event: VenueEvent): Promise<void> {
    this.#sequence = event.sequence;
    await this.#save(false);
    this.#kept[event.sequence % keptEvents] = event;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #save(ended: boolean): Promise<unknown> {
    return this.#options.database.write(() => this.#savePosition.run(this.#sequence, ended ? 1 : 0));
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}

function present(bids: readonly Level[], asks: readonly Level[]) {
  const levels = (side: 'buy' | 'sell', list: readonly Level[]) =>
    list.map(([price, quantity]) => ({
      side,
      price: formatFixed(price, priceDecimals),
      quantity: formatFixed(quantity, quantityDecimals),
    }));
  return [...levels('buy', bids), ...levels('sell', asks)];
}
