/**
 * Copies a database while it is in use, without holding up those who write to it.
 *
 * What is committed goes into the write-ahead log, and from there into the database file when the log is folded in. As long as that
 * is not done, the file stands still and the log only grows: a copy of the file and then of the log is the database as it
 * is at some commit in between. The connection that holds it exclusively is the only one that could fold it in.
 * https://sqlite.org/wal.html
 */
import { access } from 'node:fs/promises';
import type { DatabaseSync } from 'node:sqlite';
import { FOLD_AFTER_PAGES } from '../store/database.ts';
import { copyFile } from './copy-file.ts';

/** Turns of the event loop that it is waited for readers. */
const MOST_TURNS = 1_000;

export interface OpenDatabase {
  readonly path: string;
  /** The connection that has it. */
  readonly database: DatabaseSync;
  /** Ends the transaction that is open, if one is: nothing can be folded in meanwhile. */
  flush(): void;
}

/**
 * @param to the database of the copy; its log lies beside it.
 * @throws Error of the file system, or of SQLite when the log cannot be folded in.
 */
export async function copyDatabase({ path, database, flush }: OpenDatabase, to: string): Promise<void> {
  await foldIn({ path, database, flush });
  try {
    await copyFile(path, to);
    if (await exists(logOf(path))) await copyFile(logOf(path), logOf(to));
    // Whoever closes a database folds its log in, while it is copied.
    if (!database.isOpen) throw new Error(`${path} was closed before all of it was copied`);
  } finally {
    if (database.isOpen) database.exec(`PRAGMA wal_autocheckpoint = ${FOLD_AFTER_PAGES}`);
  }
}

/**
 * Empties the log, and lets it grow from now on. A log that is folded in but not emptied would be written over from its
 * beginning while it is read.
 */
async function foldIn({ path, database, flush }: OpenDatabase): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    flush();
    const { busy } = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() ?? {};
    if (busy === 0) {
      database.exec('PRAGMA wal_autocheckpoint = 0');
      return;
    }
    // Something is being read. It does not take long: one event loop serves all.
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`the log of ${path} could not be folded in`);
}

export function logOf(path: string): string {
  return `${path}-wal`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
