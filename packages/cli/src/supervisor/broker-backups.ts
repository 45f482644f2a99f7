/** Backups that the broker of a fleet is asked for, over IPC. */

import { storeFailure } from '../backup/store-failure.ts';
import { Failure } from '../failure.ts';
import type { Child } from './child.ts';
import type { BackupMessage } from './process-message.ts';

interface Waiting {
  resolve(): void;
  reject(failure: Failure): void;
}

export class BrokerBackups {
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /**
   * @param directory absolute path
   * @throws Failure `backup_failed` and others: what the broker said, or that it ended before.
   */
  request(broker: Child, directory: string): Promise<void> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      broker.send({ type: 'backup', id, directory });
    });
  }

  answered({ id, error }: BackupMessage): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(storeFailure(error, 'backup_failed'));
  }

  /** The broker's process is gone, and with it every backup that was under way. */
  lost(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(
        new Failure('backup_failed', 'the broker ended while it was writing the backup', {
          repair: 'remove what there is of it, and try again when flotilla ps shows the broker as ready',
        }),
      );
    }
    this.#waiting.clear();
  }
}
