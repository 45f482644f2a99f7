/** Schema migrations: SQL files `001-name.sql`, applied once, in order, each in its own transaction. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';

export interface Migration {
  /** File name without `.sql`; sorts by its number. */
  readonly id: string;
  readonly sql: string;
}

const fileName = /^\d{3,}-[a-z0-9-]+\.sql$/;

/** Reads a directory of migrations. Other files in it are an error: they would be silently skipped. */
export function readMigrations(directory: URL): Migration[] {
  const names = readdirSync(fileURLToPath(directory)).sort();
  return names.map((name) => {
    if (!fileName.test(name)) {
      throw platformError('invalid_argument', `migration '${name}' must be called like '001-accounts.sql'`);
    }
    return { id: name.slice(0, -'.sql'.length), sql: readFileSync(new URL(name, directory), 'utf8') };
  });
}

/**
 * Brings the schema up to date. Processes that begin with the same database at the same time wait for each other.
 *
 * @throws FlotillaError when a migration fails, when an applied one was edited, or when the database is newer than
 * the code. Nothing of a failed migration remains.
 */
export function migrate(database: DatabaseSync, migrations: readonly Migration[]): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS flotilla_migrations (id TEXT PRIMARY KEY, checksum TEXT NOT NULL) STRICT',
  );
  const applied = appliedIn(database);
  refuseUnknown(applied, migrations);
  for (const migration of migrations) {
    if (!isApplied(migration, applied)) apply(database, migration);
  }
}

type Applied = ReadonlyMap<string, string>;

/** The checksums of the migrations that a database has. */
function appliedIn(database: DatabaseSync): Applied {
  const rows = database.prepare('SELECT id, checksum FROM flotilla_migrations').all();
  return new Map(rows.map((row) => [String(row.id), String(row.checksum)]));
}

function refuseUnknown(applied: Applied, migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ id }) => id));
  for (const id of applied.keys()) {
    if (known.has(id)) continue;
    throw platformError(
      'conflict',
      `the database has migration '${id}', which this version of the service does not know: deploy the newer version`,
    );
  }
}

function isApplied(migration: Migration, applied: Applied): boolean {
  const before = applied.get(migration.id);
  if (before === undefined) return false;
  if (before === checksumOf(migration)) return true;
  throw platformError(
    'conflict',
    `migration '${migration.id}' was edited after it was applied: undo the edit, add a new file`,
  );
}

function apply(database: DatabaseSync, migration: Migration): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have been faster.
    if (!isApplied(migration, appliedIn(database))) {
      database.exec(migration.sql);
      database
        .prepare('INSERT INTO flotilla_migrations (id, checksum) VALUES (?, ?)')
        .run(migration.id, checksumOf(migration));
    }
    database.exec('COMMIT');
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    if (cause instanceof FlotillaError) throw cause;
    throw platformError('internal', `migration '${migration.id}' failed: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function checksumOf({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex');
}
