/**
 * For tests of what a crash may do: reads a published log into a database that can die, as a consumer group does. An entry's
 * effects and the position are one transaction; many of them share a commit.
 */
import type { StatementSync } from 'node:sqlite';
import type { LogEntry } from '../contract.ts';
import type { LogProgress } from '../engine-log.ts';
import type { CrashableDatabase } from './crashable-database.ts';
import type { PublishedLog } from './published-log.ts';

export interface LogReaderOptions {
  readonly database: CrashableDatabase;
  readonly log: PublishedLog;
  /** Runs inside the transaction. */
  readonly apply: (entry: LogEntry) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Entries that share a commit. */
const batch = 16;

export class LogReader implements LogProgress {
  readonly #options: LogReaderOptions;
  readonly #advance: StatementSync;
  readonly #waiting = new Set<() => void>();
  #applied: number;

  /** It starts behind the last entry whose effects are in the database. */
  constructor(options: LogReaderOptions) {
    const { database } = options;
    this.#options = options;
    database
      .prepare('CREATE TABLE IF NOT EXISTS read_log (one INTEGER PRIMARY KEY, sequence INTEGER NOT NULL)')
      .run();
    this.#advance = database.prepare('INSERT OR REPLACE INTO read_log VALUES (1, ?)');
    this.#applied = Number(database.prepare('SELECT sequence FROM read_log').get()?.sequence ?? 0);
  }

  applied(): number {
    return this.#applied;
  }

  async waitFor(sequence: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    while (this.#applied < sequence) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** Resolves after `signal` has aborted. Rejects with what an entry did that could not be applied. */
  async run(): Promise<void> {
    const { log, signal } = this.#options;
    signal.addEventListener('abort', () => log.wake(), { once: true });
    while (!signal.aborted) {
      const entries = log.entries.slice(this.#applied, this.#applied + batch);
      if (entries.length === 0) await log.grown();
      else await Promise.all(entries.map((entry) => this.#read(entry)));
    }
  }

  #read(entry: LogEntry): Promise<void> {
    const { database, apply, signal } = this.#options;
    return database
      .write(() => {
        apply(entry);
        this.#advance.run(entry.sequence);
        database.afterCommit(() => this.#reached(entry.sequence));
      })
      .catch((error) => {
        if (!signal.aborted) throw error;
      });
  }

  #reached(sequence: number): void {
    this.#applied = sequence;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
