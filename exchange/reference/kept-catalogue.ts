/**
 * The catalogue with a copy in the service's own database, so that the service can start and answer while reference is
 * away.
 *
 * The service's migrations make the table:
 *
 * ```sql
 * CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
 * ```
 */
import type { Client, Database, Logger } from 'flotilla';
import { Catalogue, type Reference } from './contract.ts';
import { type CatalogueFollower, followCatalogue } from './follow-catalogue.ts';

export interface KeepCatalogueOptions {
  /** A client of `reference` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Reference>, 'watch'>;
  readonly database: Database;
  /** Called after every change, not for the copy found at the start; its own writes come after that of the copy. */
  readonly onChange?: (catalogue: Catalogue) => void;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Follows the catalogue from the copy on, and copies every change. */
export function keepCatalogue(options: KeepCatalogueOptions): CatalogueFollower {
  const { client, database, onChange, log, signal } = options;
  const save = database.prepare(
    'INSERT INTO kept_catalogue VALUES (1, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
  );
  return followCatalogue({
    client,
    initial: readCopy(database, log),
    onChange: (catalogue) => {
      database
        .write(() => save.run(JSON.stringify(catalogue)))
        .catch((error) =>
          log.error('the catalogue could not be kept', { version: catalogue.version, error }),
        );
      onChange?.(catalogue);
    },
    log,
    signal,
  });
}

/** A copy that cannot be read is only a copy: reference sends a new one. */
function readCopy(database: Database, log: Logger): Catalogue | undefined {
  const row = database.prepare('SELECT document FROM kept_catalogue').get();
  if (!row) return undefined;
  try {
    return Catalogue.parse(JSON.parse(String(row.document)));
  } catch (error) {
    log.error('the kept catalogue is not readable and is fetched anew', { error });
    return undefined;
  }
}
