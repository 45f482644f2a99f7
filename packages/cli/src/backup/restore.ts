/** Puts a backup in the place of what a broker stored. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type RestoreReport, restoreStore } from '@flotilla/broker/backup';
import { readRecord } from '../data/fleet-record.ts';
import { layoutOf } from '../data/layout.ts';
import { acquireLock } from '../data/lock.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure } from '../failure.ts';
import { idleStoreFailure, isBrokerError } from './store-failure.ts';
import { storePlace } from './store-place.ts';

export interface Restored extends RestoreReport {
  /** Where it is now. */
  readonly directory: string;
}

/**
 * @param named whether the data directory was given with --data.
 * @throws Failure `already_running` while a fleet or a broker has the store, `store_damaged`, `not_found`, `backup_failed`.
 */
export async function restoreBackup(
  backup: string,
  found: FoundFleet,
  named: boolean,
  cwd: string,
): Promise<Restored> {
  const directory = storePlace(found, named);
  const release = holdFleet(found);
  try {
    return { directory, ...(await restoreStore(resolve(cwd, backup), directory, new Date())) };
  } catch (error) {
    throw isBrokerError(error) ? idleStoreFailure(error) : error;
  } finally {
    release();
  }
}

/** No fleet starts on the directory meanwhile. */
function holdFleet({ data }: FoundFleet): () => void {
  const layout = layoutOf(data);
  if (!existsSync(layout.run)) return () => {};
  const lock = acquireLock(layout.lockFile);
  if (lock !== undefined) return () => lock.release();
  const pid = readRecord(layout.recordFile)?.supervisor.pid;
  throw new Failure(
    'already_running',
    `a fleet runs on ${data}${pid === undefined ? '' : ` (supervisor pid ${pid})`}, and its broker has the store`,
    { repair: `stop it first: flotilla stop --data '${data}'` },
  );
}
