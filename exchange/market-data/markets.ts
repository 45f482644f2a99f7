/** All markets of this process: fed by the engine's log and the venue's replay, on disk before anybody sees a change. */
import { Feeds } from '@exchange/feeds';
import { type LogEntry, Matching } from '@exchange/matching';
import { followLog, LogCheckpoint, type LogFollower } from '@exchange/matching/follow';
import { Reference } from '@exchange/reference';
import type { CatalogueFollower } from '@exchange/reference/follow';
import { keepCatalogue } from '@exchange/reference/kept-catalogue';
import { type Clients, type Database, type Logger, platformError } from 'flotilla';
import { updatesOf } from './engine-source.ts';
import { followVenue } from './follow-venue.ts';
import { Market } from './market.ts';
import { MarketStore } from './market-store.ts';
import type { MarketUpdate } from './market-update.ts';
import { PublicMarket } from './public-market.ts';
import { VenuePosition } from './venue-position.ts';

export const uses = { Feeds, Matching, Reference };

export interface MarketsOptions {
  readonly database: Database;
  readonly clients: Clients<typeof uses>;
  readonly log: Logger;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

export class Markets {
  readonly store: MarketStore;
  readonly engineLog: LogFollower;
  readonly #markets = new Map<string, Market>();
  readonly #public = new Map<string, PublicMarket>();
  readonly #crossed = new Set<string>();
  readonly #catalogue: CatalogueFollower;
  readonly #checkpoint: LogCheckpoint;
  readonly #log: Logger;
  readonly #closed: Promise<unknown>;

  constructor({ database, clients, log, signal }: MarketsOptions) {
    this.#log = log;
    this.store = new MarketStore(database);
    for (const market of this.store.load()) this.#markets.set(market.symbol, market);
    this.#checkpoint = new LogCheckpoint(database);
    this.#catalogue = keepCatalogue({ client: clients.Reference, database, log, signal });
    this.engineLog = followLog({
      client: clients.Matching,
      after: this.#checkpoint.sequence,
      apply: (entry) => this.#applyEntry(entry),
      log,
      signal,
    });
    const venue = followVenue({
      client: clients.Feeds,
      store: this.store,
      position: new VenuePosition(database),
      market: (symbol) => {
        const units = this.#catalogue.get(symbol)?.units;
        return units && { market: this.#market(symbol), units };
      },
      show: (update) => this.#show(update),
      log,
      signal,
    });
    this.#closed = Promise.all([this.#catalogue.closed, this.engineLog.closed, venue]);
  }

  /** Resolves once a catalogue is known, or after `timeoutMs` without one. */
  waitUntilReady(timeoutMs: number): Promise<void> {
    return this.#catalogue.waitUntilReady(timeoutMs);
  }

  /** @throws FlotillaError `not_found` for a symbol that is not listed, `unavailable` while no catalogue is known. */
  get(symbol: string): PublicMarket {
    const known = this.#public.get(symbol);
    if (known) return known;
    const units = this.#catalogue.get(symbol)?.units;
    if (!units) throw this.#unknown(symbol);
    const market = new PublicMarket(this.#market(symbol), units);
    this.#public.set(symbol, market);
    return market;
  }

  /** Every market that had an update. */
  all(): PublicMarket[] {
    const active = [...this.#markets.values()].filter(({ sequence }) => sequence > 0);
    return active.map(({ symbol }) => this.get(symbol));
  }

  /** Resolves after the signal has aborted and nothing is under way any more. */
  closed(): Promise<unknown> {
    return this.#closed;
  }

  #unknown(symbol: string): Error {
    return this.#catalogue.current
      ? platformError('not_found', `there is no market '${symbol}': GET /v1/markets lists them`)
      : platformError('unavailable', 'what can be traded is not known yet: try again when reference runs');
  }

  #market(symbol: string): Market {
    let market = this.#markets.get(symbol);
    if (!market) {
      market = new Market(symbol);
      this.#markets.set(symbol, market);
    }
    return market;
  }

  async #applyEntry(entry: LogEntry): Promise<void> {
    const updates = updatesOf(entry);
    await this.store.save(updates, () => this.#checkpoint.advance(entry.sequence));
    for (const update of updates) this.#show(update);
  }

  #show(update: MarketUpdate): void {
    const { symbol, sequence } = update;
    const market = this.#market(symbol);
    market.apply(update);
    if (!market.crossed) {
      this.#crossed.delete(symbol);
    } else if (!this.#crossed.has(symbol)) {
      this.#crossed.add(symbol);
      this.#log.error('a book is crossed', { symbol, sequence });
    }
  }
}
