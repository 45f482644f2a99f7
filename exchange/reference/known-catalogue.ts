/** The current catalogue in another service, with every instrument's integer units computed once. */
import type { Logger } from 'flotilla';
import type { Catalogue, Instrument } from './contract.ts';
import { type InstrumentUnits, instrumentUnits, UnitsError } from './units.ts';

/** An instrument and its sizes as integers. */
export interface KnownInstrument {
  readonly instrument: Instrument;
  readonly units: InstrumentUnits;
}

export class KnownCatalogue {
  readonly #log: Logger;
  readonly #instruments = new Map<string, KnownInstrument>();
  readonly #markReady: () => void;
  #current: Catalogue | undefined;
  /** Resolves once there is a catalogue: at once with an initial one. Stays pending if none ever comes. */
  readonly ready: Promise<void>;

  /** @param initial the last known good one. */
  constructor(log: Logger, initial?: Catalogue) {
    this.#log = log;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#markReady = ready.resolve;
    if (initial) this.take(initial);
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

  /** Puts a catalogue in force, unless a later one is. Returns whether it did. */
  take(catalogue: Catalogue): boolean {
    if (this.#current && catalogue.version <= this.#current.version) return false;
    for (const instrument of catalogue.instruments) {
      const units = this.#units(instrument, catalogue);
      if (units) this.#instruments.set(instrument.symbol, { instrument, units });
    }
    this.#current = catalogue;
    this.#markReady();
    return true;
  }

  /** The integers of orders, books and holds in force mean what they meant: sizes of a known symbol never change. */
  #units(instrument: Instrument, catalogue: Catalogue): InstrumentUnits | undefined {
    const { symbol } = instrument;
    const known = this.#instruments.get(symbol)?.units;
    try {
      const units = instrumentUnits(instrument, catalogue.assets);
      if (known === undefined || sameUnits(known, units)) return units;
      this.#log.error('the sizes of an instrument changed: the old ones stay in force', { symbol });
    } catch (error) {
      if (!(error instanceof UnitsError)) throw error;
      this.#log.error('an instrument of the catalogue is not usable', { symbol, error });
    }
    return known;
  }
}

function sameUnits(left: InstrumentUnits, right: InstrumentUnits): boolean {
  return (Object.keys(left) as (keyof InstrumentUnits)[]).every((key) => left[key] === right[key]);
}
