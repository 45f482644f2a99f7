/** A backup of a store: a new directory with its files, as they were at one commit each. */
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BrokerError } from '../../broker-error.ts';
import { copyDatabase, type OpenDatabase } from './copy-database.ts';
import { syncDirectory } from './copy-file.ts';

/**
 * While the store is in use. What was acknowledged before the call is in it.
 *
 * The directory appears when all of it is on disk: one that is there is whole.
 *
 * @param directory must not exist; it is made with mode 0700.
 * @throws BrokerError `backup_exists`, `backup_failed`, `data_missing` where there is nothing to copy.
 */
export async function backupStore(databases: readonly OpenDatabase[], directory: string): Promise<void> {
  if (databases.length === 0) {
    throw new BrokerError(
      'data_missing',
      'the broker keeps nothing that could be backed up: it has no data directory',
      'start it with one',
    );
  }
  const part = `${directory}.part`;
  try {
    await makeNew(directory, part);
    for (const database of databases) await copyDatabase(database, join(part, basename(database.path)));
    await syncDirectory(part);
    await rename(part, directory);
    await syncDirectory(dirname(directory));
  } catch (cause) {
    if (cause instanceof BrokerError) throw cause;
    await rm(part, { recursive: true, force: true });
    throw backupFailed(directory, cause);
  }
}

async function makeNew(directory: string, part: string): Promise<void> {
  for (const path of [directory, part]) {
    const exists = await lstat(path).then(
      () => true,
      () => false,
    );
    if (!exists) continue;
    throw new BrokerError(
      'backup_exists',
      `${path} exists, and a backup never overwrites anything`,
      'choose another name, or remove it first',
    );
  }
  await mkdir(part, { mode: 0o700 });
}

function backupFailed(directory: string, cause: unknown): BrokerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BrokerError(
    'backup_failed',
    `the backup ${directory} could not be written (${reason}), and nothing of it is left`,
    'see to the disk and to the permissions there, or choose another place',
    cause,
  );
}
