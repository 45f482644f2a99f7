/** The catalogue and its history: every version is kept, the latest is served and pushed to who watches. */
import type { Database } from 'flotilla';
import type { Catalogue, Instrument } from './contract.ts';
import { instrumentUnits, UnitsError } from './units.ts';

export class CatalogueStore {
  readonly #database: Database;
  readonly #watchers = new Set<() => void>();
  #current: Catalogue;

  /** @param first what a database without a catalogue begins with. */
  static async open(database: Database, first: Catalogue): Promise<CatalogueStore> {
    const row = database.prepare('SELECT document FROM catalogue ORDER BY version DESC LIMIT 1').get();
    if (row) return new CatalogueStore(database, JSON.parse(String(row.document)) as Catalogue);
    const store = new CatalogueStore(database, first);
    await store.#save(first);
    return store;
  }

  private constructor(database: Database, current: Catalogue) {
    this.#database = database;
    this.#current = current;
  }

  get current(): Catalogue {
    return this.#current;
  }

  /**
   * Adds an instrument, or replaces the one with its symbol. What changes nothing makes no new version.
   *
   * @throws UnitsError when its steps cannot be counted in minor units of its assets, or an asset's decimals would change.
   */
  async list(instrument: Instrument, assets: Catalogue['assets']): Promise<Catalogue> {
    const { current } = this;
    for (const [asset, decimals] of Object.entries(assets)) {
      const known = current.assets[asset];
      if (known !== undefined && known !== decimals) {
        throw new UnitsError(
          'invalid_instrument',
          `${asset} has ${known} decimals, which cannot become ${decimals}`,
        );
      }
    }
    const known = current.instruments.find(({ symbol }) => symbol === instrument.symbol);
    if (known && (known.tickSize !== instrument.tickSize || known.lotSize !== instrument.lotSize)) {
      throw new UnitsError(
        'invalid_instrument',
        `the tick and lot size of ${instrument.symbol} are in use and cannot change: list a new symbol`,
      );
    }
    const allAssets = { ...current.assets, ...assets };
    instrumentUnits(instrument, allAssets);
    const others = current.instruments.filter(({ symbol }) => symbol !== instrument.symbol);
    const instruments = [...others, instrument].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
    const next = { version: current.version + 1, assets: allAssets, instruments };
    if (sameContent(next, current)) return current;
    await this.#save(next);
    for (const wake of this.#watchers) wake();
    return next;
  }

  /** The catalogue now, and every later one; versions that a slow reader missed are skipped. */
  async *watch(signal: AbortSignal): AsyncGenerator<Catalogue, void> {
    let seen = 0;
    while (!signal.aborted) {
      if (this.#current.version > seen) {
        seen = this.#current.version;
        yield this.#current;
        continue;
      }
      await this.#changed(signal);
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  async #save(catalogue: Catalogue): Promise<void> {
    const { version } = catalogue;
    await this.#database.write(() =>
      this.#database
        .prepare('INSERT INTO catalogue (version, document) VALUES (?, ?)')
        .run(version, JSON.stringify(catalogue)),
    );
    this.#current = catalogue;
  }
}

function sameContent(a: Catalogue, b: Catalogue): boolean {
  return JSON.stringify([a.assets, a.instruments]) === JSON.stringify([b.assets, b.instruments]);
}
