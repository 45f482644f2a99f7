/** The folder that holds everything a broker keeps. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BrokerError } from '../broker-error.ts';

/** Makes it, for the broker's user alone, when it does not exist. @throws BrokerError `data_not_permitted` */
export function prepareDataDirectory(folder: string): void {
  try {
    make(resolve(folder));
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

/**
 * Not by the `recursive` of Node: it tries for ever where a folder cannot be made although the one above it is there, as in `/proc`.
 */
function make(folder: string): void {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const part of missing) {
    try {
      mkdirSync(part, { mode: 0o700 });
    } catch (error) {
      // Another process was faster.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
  if (!statSync(folder).isDirectory()) throw new Error('it is not a directory');
}
