/** What a broker says of its store, as a failure of the command. */

import type { BrokerError } from '@flotilla/broker/backup';
import { Failure, type FailureCode } from '../failure.ts';

const CODES: Readonly<Record<string, FailureCode>> = {
  address_in_use: 'port_taken',
  backup_damaged: 'store_damaged',
  backup_exists: 'backup_failed',
  backup_failed: 'backup_failed',
  data_damaged: 'store_damaged',
  data_locked: 'already_running',
  data_missing: 'not_found',
  data_not_permitted: 'unsafe_permissions',
  restore_failed: 'backup_failed',
};

/** The same, for who wants to do something with the store and not to start on it. */
export function idleStoreFailure(error: BrokerError): Failure {
  const failure = storeFailure(error, 'backup_failed');
  if (error.code !== 'data_locked') return failure;
  return new Failure(failure.code, failure.message, {
    repair:
      'stop that broker first; the store of one that runs alone is copied and replaced while it is stopped',
    cause: error,
  });
}

/** By its name: a command that starts no broker does not load one to know its errors. */
export function isBrokerError(thrown: unknown): thrown is BrokerError {
  return thrown instanceof Error && thrown.name === 'BrokerError';
}

/**
 * @param error of the broker, or what came of one over IPC.
 * @param otherwise for what has no code of its own among the failures.
 */
export function storeFailure(
  error: Pick<BrokerError, 'message' | 'repair'> & { readonly code: string },
  otherwise: FailureCode,
): Failure {
  const { code, repair, message } = error;
  // The message of a broker's error ends with its repair.
  const problem = message.endsWith(`: ${repair}`) ? message.slice(0, -repair.length - 2) : message;
  return new Failure(CODES[code] ?? otherwise, problem, { repair, cause: error });
}
