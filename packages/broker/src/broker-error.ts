/** What can go wrong when a broker is configured or started. */
export const BROKER_ERROR_CODES = [
  'address_in_use',
  'address_not_available',
  'backup_damaged',
  'backup_exists',
  'backup_failed',
  'broker_closed',
  'credentials_missing',
  'data_damaged',
  'data_locked',
  'data_missing',
  'data_not_ours',
  'data_not_permitted',
  'data_too_new',
  'invalid_option',
  'listen_failed',
  'permission_denied',
  'restore_failed',
  'store_failed',
] as const;

export type BrokerErrorCode = (typeof BROKER_ERROR_CODES)[number];

/**
 * The one error class of this package. The message names the cause; `repair` says what to do about it and is part
 * of the message too, so that a log line alone is enough.
 */
export class BrokerError extends Error {
  readonly code: BrokerErrorCode;
  readonly repair: string;

  constructor(code: BrokerErrorCode, problem: string, repair: string, cause?: unknown) {
    super(`${problem}: ${repair}`, cause === undefined ? undefined : { cause });
    this.name = 'BrokerError';
    this.code = code;
    this.repair = repair;
  }
}
