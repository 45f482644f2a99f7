/**
 * The catalogue with a copy in the service's own database, so that the service can start and answer while reference is
 * away. It is asked for once at the start; after that the service hands on what reference says has changed:
 *
 * ```ts
 * subscribe(Reference.changed, { group: 'ledger', transaction: true }, (catalogue, { state }) => state.units.follow(catalogue))
 * ```
 *
 * The service's migrations make the table:
 *
 * ```sql
 * CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
 * ```
 */
import type { StatementSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client, Database, Logger } from 'flotilla';
import { Catalogue, type Reference } from './contract.ts';
import { KnownCatalogue } from './known-catalogue.ts';

export interface KeptCatalogueOptions {
  /** A client of `reference` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Reference>, 'catalogue'>;
  readonly database: Database;
  /** Called after every change, not for the copy found at the start. What it throws is logged. */
  readonly onChange?: (catalogue: Catalogue) => void;
  readonly log: Logger;
  /** Ends the asking. */
  readonly signal: AbortSignal;
}

/** Between two questions while reference is away, in milliseconds; doubled from the least to the most. */
const LEAST_PAUSE_MS = 100;
const MOST_PAUSE_MS = 1_000;
/** Of services that start together, one is always later: so many failures are nothing to tell. */
const TOLERATED = 2;

export class KeptCatalogue extends KnownCatalogue {
  readonly #options: KeptCatalogueOptions;
  readonly #read: StatementSync;
  readonly #save: StatementSync;
  /** Resolves when reference has been asked, or `signal` has aborted. */
  readonly closed: Promise<void>;

  constructor(options: KeptCatalogueOptions) {
    const { database, log } = options;
    const read = database.prepare('SELECT document FROM kept_catalogue');
    super(log, readCopy(read, log));
    this.#options = options;
    this.#read = read;
    this.#save = database.prepare(
      'INSERT INTO kept_catalogue VALUES (1, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
    );
    this.closed = this.#ask();
  }

  /** Takes over what reference says, unless it is old. Inside a transaction; it is in force when that is on disk. */
  follow(catalogue: Catalogue): void {
    const { database, log } = this.#options;
    if (catalogue.version <= (readCopy(this.#read, log)?.version ?? 0)) return;
    this.#save.run(JSON.stringify(catalogue));
    database.afterCommit(() => this.#change(catalogue));
  }

  #change(catalogue: Catalogue): void {
    const { onChange, log } = this.#options;
    if (!this.take(catalogue)) return;
    try {
      onChange?.(catalogue);
    } catch (error) {
      log.error('a new catalogue could not be taken over', { version: catalogue.version, error });
    }
  }

  /** What has changed while this service was away, or before it was there. */
  async #ask(): Promise<void> {
    const { client, database, log, signal } = this.#options;
    let pauseMs = LEAST_PAUSE_MS;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const catalogue = await client.catalogue({}, { signal });
        await database.write(() => this.follow(catalogue));
        if (catalogue.version < this.version) {
          log.error('reference went back to an older catalogue, which is ignored', {
            version: catalogue.version,
            current: this.version,
          });
        }
        if (failures > TOLERATED) log.info('reference is back', { version: this.version });
        return;
      } catch (error) {
        if (failures === TOLERATED && !signal.aborted) {
          log.warn('reference is away: the kept catalogue stays in force', { version: this.version, error });
        }
      }
      await pause(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, MOST_PAUSE_MS);
    }
  }
}

/** A copy that cannot be read is only a copy: reference gives a new one. */
function readCopy(read: StatementSync, log: Logger): Catalogue | undefined {
  const row = read.get();
  if (!row) return undefined;
  try {
    return Catalogue.parse(JSON.parse(String(row.document)));
  } catch (error) {
    log.error('the kept catalogue is not readable and is fetched anew', { error });
    return undefined;
  }
}
