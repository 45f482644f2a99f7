/**
 * Long work in short steps between the turns of the event loop: purging, expiry, clearing away. A task gets one step
 * at a time, all tasks take turns, and between two steps the loop has as long for everything else as the step took.
 */

/** Does a bounded amount of work. True when there is nothing left to do. */
export type Step = () => boolean;

export class Steps {
  readonly #failed: (error: unknown) => void;
  readonly #tasks: Step[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param failed told about errors of steps; such a task is given up. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Tasks that are not finished. */
  get pending(): number {
    return this.#tasks.length;
  }

  run(step: Step): void {
    if (this.#closed) return;
    this.#tasks.push(step);
    this.#timer ??= setTimeout(() => this.#next(), 0);
  }

  /** No further step is done. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#tasks.length = 0;
  }

  #next(): void {
    this.#timer = undefined;
    const task = this.#tasks.shift();
    if (task === undefined) return;
    const start = performance.now();
    try {
      if (!task()) this.#tasks.push(task);
    } catch (error) {
      this.#failed(error);
    }
    if (this.#tasks.length > 0 && !this.#closed) {
      this.#timer = setTimeout(() => this.#next(), performance.now() - start);
    }
  }
}
