/**
 * Opening one database file of the store: made on first use, locked against every other process, checked to be ours
 * and of a version that this code understands.
 *
 * `disk` flushes every commit to disk (`synchronous=FULL`): what is committed survives the loss of power. `process`
 * leaves that to the operating system (NORMAL): it survives a crash of the process, not of the machine. `memory` is
 * gone with the process. https://sqlite.org/pragma.html#pragma_synchronous
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { BrokerError } from '../../broker-error.ts';
import { lostCommits, markOf } from './commit-mark.ts';
import { createSchema, SCHEMA_VERSION } from './schema.ts';

export type Durability = 'disk' | 'process' | 'memory';

/** Tells our files from other SQLite databases: `Flot` in ASCII. */
const APPLICATION_ID = 0x466c6f74;
/** Pages of SQLite kept in memory, in KiB. */
const CACHE_KIB = 16_384;
/**
 * Pages in the write-ahead log after which SQLite folds it into the database, 16 MiB: most pages of a batch are written again
 * by the next ones, and are folded in once.
 */
export const FOLD_AFTER_PAGES = 4_096;
/** Size down to which the write-ahead log is cut after a checkpoint, in bytes. */
const LOG_KEPT = 64 * 1024 * 1024;

const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const BUSY = 5;
const LOCKED = 6;
const PERMISSION = 3;
const READ_ONLY = 8;
const CANNOT_OPEN = 14;

/**
 * @param path where the file is or will be; its folder must exist. Not used for `memory`.
 * @throws BrokerError `data_locked`, `data_not_permitted`, `data_not_ours`, `data_too_new`, `data_damaged`.
 */
export function openDatabase(path: string, durability: Durability): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // Made here, because SQLite would let everyone read it.
    if (durability !== 'memory') closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(durability === 'memory' ? ':memory:' : path);
    prepare(database, path, durability);
    return database;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw error instanceof BrokerError ? error : openError(path, error);
  }
}

function prepare(database: DatabaseSync, path: string, durability: Durability): void {
  // Exclusive before the first access: no shared memory file, no lock calls per transaction, and nobody else gets in.
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA cache_size = -${CACHE_KIB};
    PRAGMA temp_store = MEMORY;
  `);
  const isNew = numberOf(database, 'SELECT count(*) FROM sqlite_schema') === 0;
  if (!isNew) verify(database, path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA journal_size_limit = ${LOG_KEPT};
    PRAGMA wal_autocheckpoint = ${FOLD_AFTER_PAGES};
    PRAGMA synchronous = ${durability === 'disk' ? 'FULL' : durability === 'process' ? 'NORMAL' : 'OFF'};
    BEGIN EXCLUSIVE;
  `);
  if (isNew) {
    createSchema(database);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`);
  }
  database.exec('COMMIT');
  const lost = durability === 'disk' ? lostCommits(path, database) : 0;
  if (lost > 0) throw commitsLost(path, lost);
}

function commitsLost(path: string, lost: number): BrokerError {
  return new BrokerError(
    'data_damaged',
    `${path} or its log is damaged: the last ${lost} commits are missing`,
    `restore it from a backup, or remove ${markOf(path)} to go on with what is left`,
  );
}

function verify(database: DatabaseSync, path: string): void {
  if (numberOf(database, 'PRAGMA application_id') !== APPLICATION_ID) throw notOurs(path);
  const version = numberOf(database, 'PRAGMA user_version');
  if (version > SCHEMA_VERSION) {
    throw new BrokerError(
      'data_too_new',
      `${path} was written by a newer version of the broker (format ${version}, this one knows ${SCHEMA_VERSION})`,
      'start that version again, or choose another data directory',
    );
  }
}

function numberOf(database: DatabaseSync, sql: string): number {
  return Number(Object.values(database.prepare(sql).get() ?? {})[0]);
}

function notOurs(path: string, cause?: unknown): BrokerError {
  return new BrokerError(
    'data_not_ours',
    `${path} is not a file of this broker`,
    'choose another data directory, or move the file away',
    cause,
  );
}

function openError(path: string, cause: unknown): BrokerError {
  const code = sqliteCode(cause);
  if (code === BUSY || code === LOCKED) {
    return new BrokerError(
      'data_locked',
      `${path} is in use by another process`,
      'stop the other broker, or give this one a data directory of its own',
      cause,
    );
  }
  if (code === NOT_A_DATABASE) return notOurs(path, cause);
  if (code === CORRUPT) {
    return new BrokerError(
      'data_damaged',
      `${path} is damaged`,
      'restore it from a backup, or move it away to start with an empty one',
      cause,
    );
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (code === PERMISSION || code === READ_ONLY || code === CANNOT_OPEN || isSystemError(cause)) {
    return new BrokerError(
      'data_not_permitted',
      `${path} cannot be opened for writing (${reason})`,
      'let the user of the broker read and write the data directory',
      cause,
    );
  }
  return new BrokerError('data_damaged', `${path} cannot be opened (${reason})`, 'see the cause', cause);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** Primary result code of SQLite, or undefined when the error is not one of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}
