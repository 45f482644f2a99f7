/**
 * State that lives in memory and is made durable in batches: a change happens in memory at once, what it changed is
 * written with whatever else changed until the next commit, and nobody is told before that commit is on disk. Whoever
 * reads waits for it too, so that no answer depends on what a crash could undo.
 *
 * All changes of a batch share one transaction, one savepoint and one promise. Memory that could not be written is
 * ahead of the disk for good: then nothing is answered any more, and the process has to start again from the disk.
 */
import { type Database, platformError } from 'flotilla';

export interface WriteBehindOptions {
  readonly database: Pick<Database, 'write'>;
  /** Writes everything that changed since its last call; runs inside the transaction. */
  readonly persist: () => void;
  /** Called after every commit, before those who wait for it go on. */
  readonly onDurable?: () => void;
  /** Called once, when the state could not be written: the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export class WriteBehind {
  readonly #options: WriteBehindOptions;
  #batch: Promise<void> | undefined;
  #open = false;
  #failure: unknown;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  /**
   * Say this before a change in memory.
   *
   * @throws FlotillaError `unavailable` after a failure: memory must not get further ahead of the disk.
   */
  assertWorking(): void {
    if (this.#failure !== undefined) throw this.#refusal();
  }

  /** Say this after a change in memory. Resolves once it is on disk; a failure need not be handled by everybody. */
  changed(): Promise<void> {
    if (this.#failure !== undefined) return handled(Promise.reject(this.#refusal()));
    if (!this.#open) {
      this.#open = true;
      this.#batch = this.#write();
    }
    return this.#batch!;
  }

  /** Memory is not what it should be: nothing of it is written any more. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#options.onFatal(error);
  }

  /** Resolves once every change so far is on disk: at once when there is none. */
  settled(): Promise<void> {
    if (this.#failure !== undefined) return handled(Promise.reject(this.#refusal()));
    return this.#batch ?? Promise.resolve();
  }

  #write(): Promise<void> {
    const { database, persist, onDurable } = this.#options;
    const batch = database.write(() => {
      this.#open = false;
      this.assertWorking();
      persist();
    });
    const written: Promise<void> = batch.then(
      () => {
        if (this.#batch === written) this.#batch = undefined;
        onDurable?.();
      },
      (error) => {
        this.fail(error);
        throw this.#refusal();
      },
    );
    return handled(written);
  }

  #refusal(): Error {
    return platformError('unavailable', 'the service could not write its state and has to start again', {
      cause: this.#failure,
    });
  }
}

/** Who waits sees the failure, and `onFatal` reports it: that nobody waits is no second one. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
