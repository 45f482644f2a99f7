/**
 * The current catalogue in another service, with every instrument's integer units computed once. It follows
 * `reference.watch`; while reference is away the last catalogue stays in force, also across a restart where the caller
 * stores it (`initial`, `onChange`).
 */
import type { Client, Logger } from 'flotilla';
import type { Catalogue, Instrument, Reference } from './contract.ts';
import { reconnecting } from './reconnect.ts';
import { type InstrumentUnits, instrumentUnits, UnitsError } from './units.ts';

/** An instrument and its sizes as integers. */
export interface KnownInstrument {
  readonly instrument: Instrument;
  readonly units: InstrumentUnits;
}

export interface FollowCatalogueOptions {
  /** A client of `reference` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Reference>, 'watch'>;
  /** The last known good one. */
  readonly initial?: Catalogue | undefined;
  /** Called after every change, not for `initial`. What it throws is logged. */
  readonly onChange?: (catalogue: Catalogue) => void;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export function followCatalogue(options: FollowCatalogueOptions): CatalogueFollower {
  return new CatalogueFollower(options);
}

export class CatalogueFollower {
  readonly #options: FollowCatalogueOptions;
  readonly #instruments = new Map<string, KnownInstrument>();
  readonly #markReady: () => void;
  #current: Catalogue | undefined;
  /** Resolves once there is a catalogue: at once with `initial`. Stays pending if none ever comes. */
  readonly ready: Promise<void>;
  /** Resolves after `signal` has aborted. */
  readonly closed: Promise<void>;

  /** Use {@link followCatalogue}. */
  constructor(options: FollowCatalogueOptions) {
    const { initial, signal, log } = options;
    this.#options = options;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#markReady = ready.resolve;
    if (initial) this.#take(initial);
    this.closed = reconnecting((healthy) => this.#watch(healthy), {
      signal,
      onAway: (error) => log.warn('the catalogue of reference is away', { version: this.version, error }),
      onBack: () => log.info('following the catalogue of reference', { version: this.version }),
    });
  }

  /** Resolves once there is a catalogue, or after `mostMs`: for a service that would rather not start without. */
  async waitUntilReady(mostMs: number): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, mostMs);
    await Promise.race([this.ready, limit.promise]);
    clearTimeout(timer);
  }

  get current(): Catalogue | undefined {
    return this.#current;
  }

  /** 0 before there is one. */
  get version(): number {
    return this.#current?.version ?? 0;
  }

  /** An instrument by symbol, also one that a later catalogue no longer lists. */
  get(symbol: string): KnownInstrument | undefined {
    return this.#instruments.get(symbol);
  }

  /** Decimals of an asset's minor unit. */
  decimals(asset: string): number | undefined {
    const assets = this.#current?.assets;
    return assets && Object.hasOwn(assets, asset) ? assets[asset] : undefined;
  }

  async #watch(healthy: () => void): Promise<void> {
    const { client, signal, onChange, log } = this.#options;
    for await (const catalogue of client.watch({}, { signal })) {
      healthy();
      if (this.#current && catalogue.version <= this.#current.version) {
        if (catalogue.version < this.#current.version) {
          log.error('reference went back to an older catalogue, which is ignored', {
            version: catalogue.version,
            current: this.#current.version,
          });
        }
        continue;
      }
      this.#take(catalogue);
      try {
        onChange?.(catalogue);
      } catch (error) {
        log.error('a new catalogue could not be taken over', { version: catalogue.version, error });
      }
    }
  }

  #take(catalogue: Catalogue): void {
    for (const instrument of catalogue.instruments) {
      const units = this.#units(instrument, catalogue);
      if (units) this.#instruments.set(instrument.symbol, { instrument, units });
    }
    this.#current = catalogue;
    this.#markReady();
  }

  /** The integers of orders, books and holds in force mean what they meant: sizes of a known symbol never change. */
  #units(instrument: Instrument, catalogue: Catalogue): InstrumentUnits | undefined {
    const { symbol } = instrument;
    const { log } = this.#options;
    const known = this.#instruments.get(symbol)?.units;
    try {
      const units = instrumentUnits(instrument, catalogue.assets);
      if (known === undefined || sameUnits(known, units)) return units;
      log.error('the sizes of an instrument changed: the old ones stay in force', { symbol });
    } catch (error) {
      if (!(error instanceof UnitsError)) throw error;
      log.error('an instrument of the catalogue is not usable', { symbol, error });
    }
    return known;
  }
}

function sameUnits(left: InstrumentUnits, right: InstrumentUnits): boolean {
  return (Object.keys(left) as (keyof InstrumentUnits)[]).every((key) => left[key] === right[key]);
}
