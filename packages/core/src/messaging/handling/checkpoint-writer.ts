/**
 * Saves a checkpoint that moves much faster than it can be saved: at most one save under way, the next one not before a pause, and
 * always of the latest.
 */
import { toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { CheckpointStore } from './checkpoint-store.ts';

export interface CheckpointWriterOptions {
  readonly store: Pick<CheckpointStore, 'save'>;
  /** Between two saves, in milliseconds. */
  readonly pauseMs: number;
  readonly log: Logger;
  /** The partition is another's by now. */
  readonly onLost: (error: unknown) => void;
}

export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  #latest = -1;
  #saved = -1;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
  }

  /** The last one that is certainly saved; -1: none yet. */
  get saved(): number {
    return this.#saved;
  }

  moved(checkpoint: number): void {
    if (this.#isStopped) return;
    this.#latest = checkpoint;
    if (this.#saving) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, this.#options.pauseMs).unref();
  }

  /** Saves what has not been saved, and nothing afterwards. */
  async finish(): Promise<void> {
    this.stop();
    await this.#saving;
    if (this.#latest > this.#saved) await this.#save();
  }

  /** Nothing is saved any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #save(): Promise<void> {
    this.#saving = this.#saveLatest().finally(() => {
      this.#saving = undefined;
      if (this.#latest > this.#saved) this.moved(this.#latest);
    });
    return this.#saving;
  }

  async #saveLatest(): Promise<void> {
    const { store, onLost, log } = this.#options;
    const checkpoint = this.#latest;
    try {
      await store.save(checkpoint);
      this.#saved = checkpoint;
    } catch (error) {
      if (toFlotillaError(error).code === 'conflict') {
        this.stop();
        this.#saved = this.#latest;
        onLost(error);
      } else log.warn('a checkpoint could not be saved yet', { checkpoint, error });
    }
  }
}
