/**
 * Group commit: writers that arrive together share one transaction and one flush to disk.
 *
 * SQLite commits block the thread for the length of an fsync, so what arrives meanwhile queues up and goes together
 * into the next transaction: one flush in flight, no timer, no added latency when alone.
 */
import type { DatabaseSync } from 'node:sqlite';
import { platformError } from '../errors/flotilla-error.ts';

export interface WriteOptions {
  /**
   * Aborted before the transaction begins: the work is not run, and the write rejects with the signal's reason. Afterwards
   * it is committed. In a handler, `context.signal`: nothing is written any more for a caller who has gone.
   */
  readonly signal?: AbortSignal | undefined;
}

interface Write {
  readonly signal: AbortSignal | undefined;
  run(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

type Settled =
  | { readonly write: Write; readonly value: unknown }
  | { readonly write: Write; readonly error: unknown };

/** What is to run with a commit, in the order of asking. */
interface Hooks {
  readonly before: (() => void)[];
  readonly after: (() => void)[];
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #onFailure: (error: unknown) => void;
  #queue: Write[] = [];
  #failure: unknown;
  /** Of the commit under way. */
  #hooks: Hooks | undefined;

  /** @param onFailure called once when a commit fails: what memory holds may then differ from the disk. */
  constructor(database: DatabaseSync, onFailure: (error: unknown) => void) {
    this.#database = database;
    this.#onFailure = onFailure;
  }

  /**
   * Runs `work` in the next transaction and resolves with its result once that is on disk. `work` must be synchronous.
   * If it throws, its own changes are undone and the promise rejects; the others of the group are not affected.
   */
  write<T>(work: () => T, { signal }: WriteOptions = {}): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failed());
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise<T>((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.flush());
      this.#queue.push({ signal, run: work, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /**
   * To be called by the work of a write: runs `hook` in the same transaction, after all work of it and before its commit,
   * once however often it is asked for. For what is written once for many changes. If the work throws, its asking is undone
   * with it. A hook that throws is a commit that fails.
   *
   * @throws FlotillaError `internal` outside of a transaction.
   */
  beforeCommit(hook: () => void): void {
    const { before } = this.#current('beforeCommit');
    if (!before.includes(hook)) before.push(hook);
  }

  /**
   * To be called by the work of a write: runs `hook` as soon as the transaction is on disk, before anybody who waits for it
   * goes on, and in the order of asking. If the work throws, its asking is undone with it. What a hook throws is a failure of
   * the database: memory is not what the disk says.
   *
   * @throws FlotillaError `internal` outside of a transaction.
   */
  afterCommit(hook: () => void): void {
    this.#current('afterCommit').after.push(hook);
  }

  /** Commits what is queued now. */
  flush(): void {
    const group = this.#queue.filter(isWanted);
    this.#queue = [];
    if (group.length === 0) return;
    const settled: Settled[] = [];
    const hooks: Hooks = { before: [], after: [] };
    this.#hooks = hooks;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const write of group) settled.push(this.#runOne(write, hooks));
      for (const hook of hooks.before) hook();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#fail(error, group);
      return;
    } finally {
      this.#hooks = undefined;
    }
    this.#tell(hooks.after);
    for (const outcome of settled) {
      if ('error' in outcome) outcome.write.reject(outcome.error);
      else outcome.write.resolve(outcome.value);
    }
  }

  #current(method: string): Hooks {
    if (this.#hooks) return this.#hooks;
    throw platformError('internal', `${method} belongs to a transaction: call it inside the work of a write`);
  }

  #tell(hooks: Iterable<() => void>): void {
    try {
      for (const hook of hooks) hook();
    } catch (error) {
      this.#failure = error;
      this.#onFailure(error);
    }
  }

  #runOne(write: Write, hooks: Hooks): Settled {
    const { before, after } = hooks;
    const [beforeIt, afterIt] = [before.length, after.length];
    this.#database.exec('SAVEPOINT work');
    try {
      const value = write.run();
      if (value instanceof Promise) {
        throw platformError(
          'internal',
          'the work of a transaction must be synchronous: await before or after it',
        );
      }
      this.#database.exec('RELEASE work');
      return { write, value };
    } catch (error) {
      this.#database.exec('ROLLBACK TO work; RELEASE work');
      before.length = beforeIt;
      after.length = afterIt;
      return { write, error };
    }
  }

  #fail(error: unknown, group: readonly Write[]): void {
    this.#failure = error;
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // The failure that counts is the first one; the database is not used again.
    }
    for (const write of group) write.reject(this.#failed());
    this.#onFailure(error);
  }

  #failed(): Error {
    return platformError(
      'unavailable',
      'the database could not commit, so nothing more is accepted until the service restarts',
      { cause: this.#failure },
    );
  }
}

/** Nobody hears of the work of a write that was given up while it waited. */
function isWanted({ signal, reject }: Write): boolean {
  if (!signal?.aborted) return true;
  reject(signal.reason);
  return false;
}
