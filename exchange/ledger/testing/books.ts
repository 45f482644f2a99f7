/** Books in memory for tests, with the units of a small catalogue. */
import type { LogEntry } from '@exchange/matching';
import { instrumentUnits } from '@exchange/reference/units';
import { type Database, openDatabase, readMigrations } from 'flotilla';
import { Bookkeeper, type Units } from '../bookkeeper.ts';
import { Journal } from '../journal.ts';

const assets: Record<string, number> = { USD: 6, BTC: 8 };
const bitcoin = {
  symbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  tickSize: '0.01',
  lotSize: '0.0001',
  status: 'open',
  referencePrice: '60000.00',
} as const;

/** One tick of one lot is 1 minor unit of USD; one lot is 10 000 minor units of BTC. */
export const units: Units = {
  get: (symbol) =>
    symbol === bitcoin.symbol ? { instrument: bitcoin, units: instrumentUnits(bitcoin, assets) } : undefined,
  decimals: (asset) => assets[asset],
};

export interface TestBooks {
  readonly database: Database;
  readonly journal: Journal;
  readonly bookkeeper: Bookkeeper;
  /** Books an entry of the log; resolves once that is on disk. */
  book(entry: LogEntry): Promise<void>;
}

export function openBooks(path = ':memory:'): TestBooks {
  const database = openDatabase({
    path,
    migrations: readMigrations(new URL('../migrations/', import.meta.url)),
  });
  const journal = new Journal(database);
  const bookkeeper = new Bookkeeper(database, journal, units);
  return { database, journal, bookkeeper, book: (entry) => database.write(() => bookkeeper.book(entry)) };
}

/** Balances as `account asset` → minor units. */
export function balancesOf({ journal }: Pick<TestBooks, 'journal'>): Record<string, bigint> {
  return Object.fromEntries(
    journal.balances().map(({ account, asset, amount }) => [`${account} ${asset}`, amount]),
  );
}
