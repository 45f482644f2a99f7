/** Backs up what a broker has stored: the running one of a fleet, or the store of one that does not run. */

import { resolve } from 'node:path';
import { backupIdleStore, examineStore, type StoreReport } from '@flotilla/broker/backup';
import { type ControlClient, connectControl } from '../control/client.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure } from '../failure.ts';
import { idleStoreFailure, isBrokerError } from './store-failure.ts';
import { storePlace } from './store-place.ts';

export interface Backup extends StoreReport {
  /** The backup. */
  readonly directory: string;
}

/**
 * Reads every message of the backup once it is written.
 *
 * @param named whether the data directory was given with --data.
 * @throws Failure `backup_failed`, `store_damaged` when what was written is not what it should be, `already_running` for the store of
 *   a broker that runs without a fleet.
 */
export async function backUp(to: string, found: FoundFleet, named: boolean, cwd: string): Promise<Backup> {
  const directory = resolve(cwd, to);
  const control = runningFleet(found);
  try {
    if (control === undefined) await backupIdleStore(storePlace(found, named), directory);
    else await control.backup(directory);
    const report = examineStore(directory);
    if (report.problems.length > 0) throw damaged(directory, report);
    return { directory, ...report };
  } catch (error) {
    throw isBrokerError(error) ? idleStoreFailure(error) : error;
  }
}

function runningFleet(found: FoundFleet): ControlClient | undefined {
  try {
    return connectControl(found);
  } catch (error) {
    if (error instanceof Failure && error.code === 'not_running') return undefined;
    throw error;
  }
}

function damaged(directory: string, { problems }: StoreReport): Failure {
  const told = problems.map(({ file, stream, sequence, message }) => {
    const where = stream === undefined ? file : sequence === undefined ? stream : `${stream} #${sequence}`;
    return `\n  ${where}: ${message}`;
  });
  return new Failure('store_damaged', `the backup ${directory} has damaged records:${told.join('')}`, {
    repair:
      'they are damaged in the store as well: restore an earlier backup, or delete these messages with a NATS tool ' +
      '(nats stream rmm <stream> <sequence>) and go on without them',
    data: { problems },
  });
}
