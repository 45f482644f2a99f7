/** The catalogue and its history: every version is kept, the latest is in force. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from 'flotilla';
import type { Catalogue, Instrument } from './contract.ts';
import { instrumentUnits, UnitsError } from './units.ts';

export class CatalogueStore {
  readonly #database: Database;
  readonly #latest: StatementSync;
  readonly #add: StatementSync;
  #current: Catalogue;

  /** @param first what a database without a catalogue begins with. */
  static async open(database: Database, first: Catalogue): Promise<CatalogueStore> {
    const store = new CatalogueStore(database, first);
    await database.write(() => {
      if (!store.#latest.get()) store.#save(first);
    });
    store.#current = store.#stored();
    return store;
  }

  private constructor(database: Database, current: Catalogue) {
    this.#database = database;
    this.#latest = database.prepare('SELECT document FROM catalogue ORDER BY version DESC LIMIT 1');
    this.#add = database.prepare('INSERT INTO catalogue (version, document) VALUES (?, ?)');
    this.#current = current;
  }

  /** What is in force: on disk. */
  get current(): Catalogue {
    return this.#current;
  }

  /**
   * Adds an instrument, or replaces the one with its symbol. Inside a transaction; it is in force once that is on disk.
   *
   * @returns the catalogue with it. What changes nothing makes no new version.
   * @throws UnitsError when its steps cannot be counted in minor units of its assets, or an asset's decimals would change.
   */
  list(instrument: Instrument, assets: Catalogue['assets']): { catalogue: Catalogue; isNew: boolean } {
    const latest = this.#stored();
    const next = { version: latest.version + 1, ...withInstrument(latest, instrument, assets) };
    if (sameContent(next, latest)) return { catalogue: latest, isNew: false };
    this.#save(next);
    this.#database.afterCommit(() => {
      this.#current = next;
    });
    return { catalogue: next, isNew: true };
  }

  #stored(): Catalogue {
    return JSON.parse(String(this.#latest.get()!.document)) as Catalogue;
  }

  #save(catalogue: Catalogue): void {
    this.#add.run(catalogue.version, JSON.stringify(catalogue));
  }
}

function withInstrument(
  before: Catalogue,
  instrument: Instrument,
  assets: Catalogue['assets'],
): Omit<Catalogue, 'version'> {
  const { symbol, tickSize, lotSize } = instrument;
  for (const [asset, decimals] of Object.entries(assets)) {
    const known = before.assets[asset];
    if (known !== undefined && known !== decimals) {
      throw new UnitsError(
        'invalid_instrument',
        `${asset} has ${known} decimals, which cannot become ${decimals}`,
      );
    }
  }
  const known = before.instruments.find((one) => one.symbol === symbol);
  if (known && (known.tickSize !== tickSize || known.lotSize !== lotSize)) {
    throw new UnitsError(
      'invalid_instrument',
      `the tick and lot size of ${symbol} are in use and cannot change: list a new symbol`,
    );
  }
  const allAssets = { ...before.assets, ...assets };
  instrumentUnits(instrument, allAssets);
  const others = before.instruments.filter((one) => one.symbol !== symbol);
  const instruments = [...others, instrument].sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  return { assets: allAssets, instruments };
}

function sameContent(a: Catalogue, b: Catalogue): boolean {
  return JSON.stringify([a.assets, a.instruments]) === JSON.stringify([b.assets, b.instruments]);
}
