/** Puts a backup in the place of a store that nobody uses. What was there before is kept beside it. */
import { existsSync } from 'node:fs';
import { link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { BrokerError } from '../../broker-error.ts';
import { prepareDataDirectory } from '../data-directory.ts';
import { markOf } from '../store/commit-mark.ts';
import { openDatabase } from '../store/database.ts';
import { logOf } from './copy-database.ts';
import { copyFile, syncDirectory } from './copy-file.ts';
import { examineStore } from './examine-store.ts';
import { STORE_FILES } from './store-files.ts';
import type { StoreReport } from './store-report.ts';

export interface RestoreReport extends StoreReport {
  /** Directory with the files that were there before; undefined when there were none. */
  readonly previous: string | undefined;
}

/**
 * Checks the backup first, every message of it. Each file of the store is at any moment the old one or the new one: a restore
 * that is killed in the middle is made whole by restoring again.
 *
 * @param directory data directory of the broker; made when it is missing.
 * @param now for the name of the directory with the previous files.
 * @throws BrokerError `backup_damaged`, `data_missing` for what is no backup, `data_locked` when a broker runs on the directory,
 *   `restore_failed`.
 */
export async function restoreStore(backup: string, directory: string, now: Date): Promise<RestoreReport> {
  const report = examineStore(backup);
  const [problem] = report.problems;
  if (problem !== undefined) throw backupDamaged(backup, report);
  const held = STORE_FILES.map((file) => hold(join(directory, file)));
  try {
    return { ...report, previous: await putInPlace(backup, directory, now) };
  } catch (cause) {
    if (cause instanceof BrokerError) throw cause;
    throw new BrokerError(
      'restore_failed',
      `the backup could not be put into ${directory} (${reasonOf(cause)})`,
      'see to the disk and to the permissions there, and restore again; nothing that was there is lost',
      cause,
    );
  } finally {
    for (const database of held) database?.close();
  }
}

/** Takes a file from every broker, with its log folded in. What is damaged or not ours no broker can have. */
function hold(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(path, 'disk');
    // Without a log nothing is removed by its name when the file is closed, and the new one has that name by then.
    database.exec('PRAGMA journal_mode = DELETE');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof BrokerError && (error.code === 'data_damaged' || error.code === 'data_not_ours'))
      return undefined;
    throw error;
  }
}

async function putInPlace(backup: string, directory: string, now: Date): Promise<string | undefined> {
  prepareDataDirectory(directory);
  const restored = STORE_FILES.filter((file) => existsSync(join(backup, file)));
  for (const file of restored) {
    await rm(join(directory, `${file}.part`), { force: true });
    await copyFile(join(backup, file), join(directory, `${file}.part`));
  }
  const previous = await keepAside(directory, now);
  for (const file of STORE_FILES) {
    // The log of a file that could not be opened: it is kept aside, and must not be taken for the new one's.
    await rm(logOf(join(directory, file)), { force: true });
    await rm(markOf(join(directory, file)), { force: true });
    if (restored.includes(file)) await rename(join(directory, `${file}.part`), join(directory, file));
    else await rm(join(directory, file), { force: true });
  }
  await syncDirectory(directory);
  return previous;
}

/** A second name for each file that is there. */
async function keepAside(directory: string, now: Date): Promise<string | undefined> {
  const files = STORE_FILES.flatMap((file) => [file, logOf(file), markOf(file)]).filter((file) =>
    existsSync(join(directory, file)),
  );
  if (files.length === 0) return undefined;
  const previous = join(directory, `before-restore-${now.toISOString().replaceAll(':', '-')}`);
  await mkdir(previous, { mode: 0o700 });
  for (const file of files) await link(join(directory, file), join(previous, file));
  await syncDirectory(previous);
  return previous;
}

function backupDamaged(backup: string, { problems }: StoreReport): BrokerError {
  const told = problems
    .slice(0, 3)
    .map(({ file, stream, sequence, message }) => {
      const where = stream === undefined ? file : `${stream}${sequence === undefined ? '' : ` #${sequence}`}`;
      return `${where}: ${message}`;
    })
    .join('; ');
  const more = problems.length > 3 ? ` (and ${problems.length - 3} more)` : '';
  return new BrokerError(
    'backup_damaged',
    `the backup ${backup} is damaged: ${told}${more}`,
    'take another one; where there is none, a broker that is started on it serves what can still be read and names the rest',
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
