/** A glance at a store that nobody uses: would a broker start on it? Takes milliseconds, whatever is in it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../store/database.ts';
import { Statement } from '../store/statement.ts';
import { storeFilesIn } from './idle-store.ts';

export interface StoreHealth {
  readonly streams: number;
  /** As they are counted. */
  readonly messages: number;
  /** Of the files. */
  readonly bytes: number;
}

/**
 * @throws BrokerError `data_missing` where there is none, `data_locked` when a broker runs on it, `data_damaged`, `data_not_ours`,
 *   `data_too_new`, `data_not_permitted` when none can.
 */
export function storeHealth(directory: string): StoreHealth {
  let streams = 0;
  let messages = 0;
  let bytes = 0;
  for (const file of storeFilesIn(directory)) {
    const path = join(directory, file);
    const database = openDatabase(path, 'disk');
    try {
      const sql = 'SELECT count(*), coalesce(sum(messages), 0) FROM streams';
      const [count = 0, sum = 0] = new Statement<[number, number]>(database, sql).get() ?? [];
      streams += count;
      messages += sum;
      bytes += statSync(path).size;
    } finally {
      database.close();
    }
  }
  return { streams, messages, bytes };
}
