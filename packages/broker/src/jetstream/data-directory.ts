/** The folder that holds everything a broker keeps. */
import { mkdirSync } from 'node:fs';
import { BrokerError } from '../broker-error.ts';

/** Makes it, for the broker's user alone, when it does not exist. @throws BrokerError `data_not_permitted` */
export function prepareDataDirectory(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BrokerError(
      'data_not_permitted',
      `the data directory ${folder} cannot be made (${reason})`,
      'let the user of the broker make it, or choose another one',
      cause,
    );
  }
}
