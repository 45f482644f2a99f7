/** All logs of a running fleet: the last lines of each service in memory, everything in files, and whoever follows. */

import type { LogEntry } from './entry.ts';
import { Ring } from './ring.ts';
import { RotatingFile } from './rotating-file.ts';

export const LINES_KEPT = 1_000;

export interface LogQuery {
  /** Default: all services. */
  readonly service?: string;
  /** Lines at most. */
  readonly lines: number;
}

export type LogListener = (entry: LogEntry) => void;

interface Kept {
  readonly ring: Ring<LogEntry>;
  readonly file: RotatingFile;
}

export class LogStore {
  readonly #logs = new Map<string, Kept>();
  readonly #listeners = new Set<LogListener>();
  readonly #onWriteError: (error: unknown) => void;
  #writable = true;

  /** @param onWriteError Called once, when a log file cannot be written; lines then stay in memory only. */
  constructor(
    services: readonly string[],
    fileOf: (service: string) => string,
    onWriteError: (error: unknown) => void,
  ) {
    this.#onWriteError = onWriteError;
    for (const service of services) {
      this.#logs.set(service, { ring: new Ring(LINES_KEPT), file: new RotatingFile(fileOf(service)) });
    }
  }

  add(entry: LogEntry): void {
    const log = this.#logs.get(entry.service);
    if (log === undefined) return;
    log.ring.push(entry);
    this.#write(log.file, entry);
    for (const listener of this.#listeners) listener(entry);
  }

  last({ service, lines }: LogQuery): LogEntry[] {
    const logs = service === undefined ? [...this.#logs.values()] : [this.#logs.get(service)];
    const entries = logs.flatMap((log) => log?.ring.last(lines) ?? []);
    if (logs.length > 1) entries.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    return entries.slice(-lines);
  }

  /** Returns how to stop following. */
  follow(listener: LogListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const { file } of this.#logs.values()) file.close();
    this.#listeners.clear();
  }

  #write(file: RotatingFile, entry: LogEntry): void {
    if (!this.#writable) return;
    try {
      file.write(`${JSON.stringify(entry)}\n`);
    } catch (error) {
      this.#writable = false;
      this.#onWriteError(error);
    }
  }
}
