/** Backups of a broker's store, for those that do not run the broker: nothing of the server is loaded. */
export { BrokerError, type BrokerErrorCode } from '../../broker-error.ts';
export { examineStore } from './examine-store.ts';
export { backupIdleStore } from './idle-store.ts';
export { type RestoreReport, restoreStore } from './restore-store.ts';
export { STORE_FILES } from './store-files.ts';
export { storeHealth } from './store-health.ts';
export type { StoredStream, StoreProblem, StoreReport } from './store-report.ts';
