/**
 * A stream with many messages, written straight into the store of a broker that does not run: for tests and
 * benchmarks of large stores. About 200 000 messages a second of one subject, and a fifth of that of a thousand in turn.
 */

import { join } from 'node:path';
import { prepareDataDirectory } from '../data-directory.ts';
import { GroupCommit } from '../store/group-commit.ts';
import { Store } from '../store/store.ts';
import { StreamRows } from '../store/stream-rows.ts';
import { MessageLog } from '../stream/message-log.ts';
import { ReadAhead } from '../stream/read-ahead.ts';
import { readConfig } from '../stream/read-config.ts';
import { TailBudget } from '../stream/tail.ts';
import { wallClock } from '../wall-clock.ts';

export interface StreamFilling {
  readonly name: string;
  /** Messages to be stored. */
  readonly messages: number;
  /** Subjects they are spread over, `<name>.0` and so on, one after the other. Default 1000. */
  readonly subjects?: number;
  /** Bytes of each body. Default 128. */
  readonly size?: number;
}

/** Messages in one commit. */
const BATCH = 10_000;

/** @throws BrokerError when the data directory cannot be used. */
export function fillStream(
  data: string,
  { name, messages, subjects = 1_000, size = 128 }: StreamFilling,
): void {
  prepareDataDirectory(data);
  const fail = (error: unknown): never => {
    throw error;
  };
  const commits = new GroupCommit({ schedule() {}, onFailure: fail, onWorkFailure: fail });
  const store = new Store(join(data, 'disk.sqlite'), 'disk', commits);
  try {
    const rows = new StreamRows(store);
    const nowUs = wallClock();
    const config = readConfig({ name, subjects: [`${name}.>`] }, name);
    const row = rows.create(name, nowUs(), JSON.stringify(config));
    const log = new MessageLog(store, rows, row, 'file', new TailBudget(0), new ReadAhead(), () => {});
    const body = Buffer.alloc(size, 'x');
    for (let i = 0; i < messages; i++) {
      log.append(`${name}.${i % subjects}`, Math.max(nowUs(), log.lastTimeUs + 1), 0, body, 0, size);
      if (i % BATCH === BATCH - 1) commits.flush();
    }
    commits.close();
  } finally {
    store.close();
  }
}
