/** A database of market-data in memory. */
import { type Database, openDatabase, readMigrations } from 'flotilla';

export function marketDatabase(path = ':memory:'): Database {
  return openDatabase({ path, migrations: readMigrations(new URL('../migrations/', import.meta.url)) });
}
