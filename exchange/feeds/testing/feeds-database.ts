/** A database of feeds in memory. */
import { type Database, openDatabase, readMigrations } from 'flotilla';

export function feedsDatabase(): Database {
  return openDatabase({
    path: ':memory:',
    migrations: readMigrations(new URL('../migrations/', import.meta.url)),
  });
}
