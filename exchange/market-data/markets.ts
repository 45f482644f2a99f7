/** All markets of this process: fed by the engine's log and the venue's replay, on disk before anybody sees a change. */
import { Feeds } from '@exchange/feeds';
import { type LogEntry, Matching } from '@exchange/matching';
import { followLog, LogCheckpoint, type LogFollower } from '@exchange/matching/follow';
import { Reference } from '@exchange/reference';
import { type CatalogueFollower, followCatalogue } from '@exchange/reference/follow';
import { reconnecting } from '@exchange/reference/reconnect';
import type { InstrumentUnits } from '@exchange/reference/units';
import { type Clients, type Database, type Logger, platformError } from 'flotilla';
import { updatesOf } from './engine-source.ts';
import { Market } from './market.ts';
import { MarketStore } from './market-store.ts';
import type { MarketUpdate } from './market-update.ts';
import { updateOf } from './venue-source.ts';

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
  readonly #catalogue: CatalogueFollower;
  readonly #checkpoint: LogCheckpoint;
  readonly #log: Logger;
  readonly #closed: Promise<unknown>;

  constructor({ database, clients, log, signal }: MarketsOptions) {
    this.#log = log;
    this.store = new MarketStore(database);
    for (const market of this.store.load()) this.#markets.set(market.symbol, market);
    this.#checkpoint = new LogCheckpoint(database);
    this.#catalogue = followCatalogue({
      client: clients.Reference,
      initial: this.store.catalogue,
      onChange: (catalogue) => void this.store.saveCatalogue(catalogue),
      log,
      signal,
    });
    this.engineLog = followLog({
      client: clients.Matching,
      after: this.#checkpoint.sequence,
      apply: (entry) => this.#applyEntry(entry),
      log,
      signal,
    });
    const venue = reconnecting((healthy) => this.#followVenue(clients, signal, healthy), { signal });
    this.#closed = Promise.all([this.#catalogue.closed, this.engineLog.closed, venue]);
  }

  /** Resolves once a catalogue is known. */
  get ready(): Promise<void> {
    return this.#catalogue.ready;
  }

  /**
   * A market and its units.
   *
   * @throws FlotillaError `not_found` for a symbol that is not listed.
   */
  get(symbol: string): { readonly market: Market; readonly units: InstrumentUnits } {
    const units = this.#catalogue.get(symbol)?.units;
    if (!units)
      throw platformError('not_found', `there is no market '${symbol}': GET /v1/markets lists them`);
    return { market: this.#market(symbol), units };
  }

  /** Markets with an update so far. */
  all(): Market[] {
    return [...this.#markets.values()];
  }

  /** Resolves after the signal has aborted and nothing is under way any more. */
  closed(): Promise<unknown> {
    return this.#closed;
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

  async #followVenue(clients: Clients<typeof uses>, signal: AbortSignal, healthy: () => void): Promise<void> {
    for await (const event of clients.Feeds.venue({ after: this.store.venuePosition }, { signal })) {
      const units = this.#catalogue.get(event.symbol)?.units;
      // Feeds lists its market before it publishes; this process may hear of that a little later.
      if (!units) throw platformError('unavailable', `${event.symbol} is not in the catalogue yet`);
      healthy();
      const update = updateOf(event, this.#market(event.symbol), units);
      await this.store.save([update], () => this.store.setVenuePosition(event));
      this.#show(update);
    }
  }

  #show(update: MarketUpdate): void {
    const market = this.#market(update.symbol);
    market.apply(update);
    if (market.crossed)
      this.#log.error('a book is crossed', { symbol: update.symbol, sequence: update.sequence });
  }
}
