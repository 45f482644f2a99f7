/** All markets of this process: fed by the engine's log and the venue's replay, on disk before anybody sees a change. */
import { Feeds } from '@exchange/feeds';
import { type LogEntry, Matching } from '@exchange/matching';
import type { EngineLog } from '@exchange/matching/engine-log';
import { Reference } from '@exchange/reference';
import { KeptCatalogue } from '@exchange/reference/kept-catalogue';
import { type Clients, type Database, type Logger, platformError } from 'flotilla';
import { updatesOf } from './engine-source.ts';
import { Market } from './market.ts';
import { MarketStore } from './market-store.ts';
import type { MarketUpdate } from './market-update.ts';
import { PublicMarket } from './public-market.ts';
import { VenueFeed } from './venue-feed.ts';

export const uses = { Feeds, Matching, Reference };

export interface MarketsOptions {
  readonly database: Database;
  readonly clients: Clients<typeof uses>;
  readonly engineLog: EngineLog;
  readonly log: Logger;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

export class Markets {
  readonly store: MarketStore;
  readonly engineLog: EngineLog;
  readonly venue: VenueFeed;
  readonly #database: Database;
  readonly #markets = new Map<string, Market>();
  readonly #public = new Map<string, PublicMarket>();
  readonly #crossed = new Set<string>();
  readonly catalogue: KeptCatalogue;
  readonly #log: Logger;

  constructor({ database, clients, engineLog, log, signal }: MarketsOptions) {
    this.#database = database;
    this.#log = log;
    this.store = new MarketStore(database);
    for (const market of this.store.load()) this.#markets.set(market.symbol, market);
    this.catalogue = new KeptCatalogue({ client: clients.Reference, database, log, signal });
    this.engineLog = engineLog;
    this.venue = new VenueFeed({
      ...{ client: clients.Feeds, database, store: this.store, log },
      units: (symbol) => this.catalogue.get(symbol)?.units,
      show: (update) => this.#show(update),
    });
  }

  /** Resolves once a catalogue is known, or after `timeoutMs` without one. */
  waitUntilReady(timeoutMs: number): Promise<void> {
    return this.catalogue.waitUntilReady(timeoutMs);
  }

  /** @throws FlotillaError `not_found` for a symbol that is not listed, `unavailable` while no catalogue is known. */
  get(symbol: string): PublicMarket {
    const known = this.#public.get(symbol);
    if (known) return known;
    const units = this.catalogue.get(symbol)?.units;
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

  /**
   * Takes the next entry of the engine's log. Inside a transaction: nobody sees what it changes before that is on disk.
   *
   * @throws FlotillaError when it does not follow what is stored: the transaction must be undone.
   */
  follow(entry: LogEntry): void {
    const updates = updatesOf(entry);
    if (updates.length === 0) return;
    this.store.write(updates);
    this.#database.afterCommit(() => {
      for (const update of updates) this.#show(update);
    });
  }

  /** Resolves after the signal has aborted and nothing is under way any more. */
  async closed(): Promise<void> {
    await Promise.all([this.catalogue.closed, this.venue.settled()]);
  }

  #unknown(symbol: string): Error {
    return this.catalogue.current
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
