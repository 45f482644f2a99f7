/**
 * Brings the write-ahead log of a database to disk. SQLite would do that inside of every commit and stand still until the
 * disk is done (`synchronous=FULL`); here the log is flushed beside the event loop, and whoever waits for it is told
 * after that, which promises the same. What SQLite needs for the database itself to stay whole (a log that is on disk before
 * its content goes into the database, and before it is begun anew) it still flushes by itself. https://sqlite.org/wal.html
 */
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

export function logOf(path: string): string {
  return `${path}-wal`;
}

export class LogFlush {
  /** Two, since the system tells an error once for each opened file: neither flush can take it away from the other. */
  readonly #beside: number;
  readonly #here: number;

  /** @param path of the database, which is open. */
  constructor(path: string) {
    this.#beside = openSync(logOf(path), 'r+');
    this.#here = openSync(logOf(path), 'r+');
  }

  /** Flushes what has been written so far, in another thread. */
  start(done: (error: Error | null) => void): void {
    fdatasync(this.#beside, done);
  }

  /** Flushes what has been written so far, and returns when it is on disk. @throws Error of the file system. */
  now(): void {
    fdatasyncSync(this.#here);
  }

  close(): void {
    closeSync(this.#beside);
    closeSync(this.#here);
  }
}
