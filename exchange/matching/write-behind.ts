/**
 * State that lives in memory and is made durable in batches: a change happens in memory at once, what it changed is
 * written with whatever else changed until the next commit, and nobody is told before that commit is on disk. Whoever
 * reads waits for it too, so that no answer depends on what a crash could undo.
 *
 * All changes of a batch share one transaction, one savepoint and one promise. Memory that could not be written is
 * ahead of the disk for good: then nothing is answered any more, and the process has to start again from the disk.
 */
import { type Database, platformError } from 'flotilla';

export class WriteBehind {
  readonly #database: Database;
  readonly #persist: () => void;
  readonly #onFatal: (error: unknown) => void;
  #batch: Promise<void> | undefined;
  #open = false;
  #failure: unknown;

  /**
   * @param persist writes everything that changed since its last call; runs inside the transaction.
   * @param onFatal called once when that failed: the process must end.
   */
  constructor(database: Database, persist: () => void, onFatal: (error: unknown) => void) {
    this.#database = database;
    this.#persist = persist;
    this.#onFatal = onFatal;
  }

  /** Say this after a change in memory. Resolves once it is on disk. */
  changed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#refusal());
    if (!this.#open) {
      this.#open = true;
      this.#batch = this.#write();
    }
    return this.#batch!;
  }

  /** Resolves once every change so far is on disk: at once when there is none. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#refusal());
    return this.#batch ?? Promise.resolve();
  }

  #write(): Promise<void> {
    const batch = this.#database.write(() => {
      this.#open = false;
      this.#persist();
    });
    const written = batch.then(
      () => {
        if (this.#batch === written) this.#batch = undefined;
      },
      (error) => {
        this.#fail(error);
        throw this.#refusal();
      },
    );
    // Who waits sees the failure; that nobody waits is no reason to report it twice.
    written.catch(() => {});
    return written;
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFatal(error);
  }

  #refusal(): Error {
    return platformError('unavailable', 'the service could not write its state and has to start again', {
      cause: this.#failure,
    });
  }
}
