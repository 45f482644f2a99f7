/**
 * A service's own database: one SQLite file, one writing process, every commit on disk before it is acknowledged
 * (WAL, `synchronous=FULL`).
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { platformError } from '../errors/flotilla-error.ts';
import { GroupCommit, type WriteOptions } from './group-commit.ts';
import { type Migration, migrate } from './migrations.ts';

export interface DatabaseOptions {
  /** A file path, or `:memory:`. Missing directories are made. */
  readonly path: string;
  readonly migrations?: readonly Migration[];
  /** Called when a commit failed: nothing is acknowledged any more and the process should stop. */
  readonly onFailure?: (error: unknown) => void;
}

export interface Database {
  /** A prepared statement. Integers come back as numbers unless the statement is told otherwise. */
  prepare(sql: string): StatementSync;
  /**
   * Runs synchronous `work` in a transaction shared with whoever writes at the same time, and resolves once it is on
   * disk. See {@link GroupCommit.write}.
   */
  write<T>(work: () => T, options?: WriteOptions): Promise<T>;
  /** Inside the work of a write: what runs before its commit. See {@link GroupCommit.beforeCommit}. */
  beforeCommit(hook: () => void): void;
  /** Inside the work of a write: what runs once it is on disk. See {@link GroupCommit.afterCommit}. */
  afterCommit(hook: () => void): void;
  /** Commits what is queued and closes the file. */
  close(): void;
}

export function openDatabase(options: DatabaseOptions): Database {
  const { path, migrations = [], onFailure = () => {} } = options;
  const sqlite = open(path);
  migrate(sqlite, migrations);
  const commits = new GroupCommit(sqlite, onFailure);
  return {
    prepare: (sql) => sqlite.prepare(sql),
    write: (work, options) => commits.write(work, options),
    beforeCommit: (hook) => commits.beforeCommit(hook),
    afterCommit: (hook) => commits.afterCommit(hook),
    close() {
      if (!sqlite.isOpen) return;
      commits.flush();
      sqlite.close();
    },
  };
}

function open(path: string): DatabaseSync {
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const sqlite = new DatabaseSync(path, { timeout: 2_000 });
    sqlite.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    if (path !== ':memory:') chmodSync(path, 0o600);
    return sqlite;
  } catch (cause) {
    throw platformError(
      'unavailable',
      `cannot open the database ${path}: ${(cause as Error).message}. ` +
        'Check the directory and its permissions; if the file is damaged, restore it from a backup',
      { cause },
    );
  }
}
