/** A store that nobody uses: held for as long as something is done with it, so that no broker starts on it meanwhile. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from '../../broker-error.ts';
import { openDatabase } from '../store/database.ts';
import { backupStore } from './backup-store.ts';
import type { OpenDatabase } from './copy-database.ts';
import { STORE_FILES } from './store-files.ts';

/**
 * Backs up the store of a broker that does not run.
 *
 * @throws BrokerError `data_missing`, `data_locked`, and those of `backupStore`.
 */
export async function backupIdleStore(directory: string, to: string): Promise<void> {
  const databases = openAll(directory);
  try {
    await backupStore(databases, to);
  } finally {
    for (const { database } of databases) database.close();
  }
}

/** @throws BrokerError `data_missing` where there is none. */
export function storeFilesIn(directory: string): string[] {
  const files = STORE_FILES.filter((file) => existsSync(join(directory, file)));
  if (files.length > 0) return files;
  throw new BrokerError(
    'data_missing',
    `there is no store in ${directory}`,
    `name a directory that has ${STORE_FILES.join(' or ')} in it`,
  );
}

function openAll(directory: string): OpenDatabase[] {
  const opened: OpenDatabase[] = [];
  try {
    for (const file of storeFilesIn(directory)) {
      const path = join(directory, file);
      opened.push({ path, database: openDatabase(path, 'disk'), flush() {} });
    }
    return opened;
  } catch (error) {
    for (const { database } of opened) database.close();
    throw error;
  }
}
