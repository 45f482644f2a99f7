/** Lets a bounded number of things be under way at a time, and loses no failure of any of them. */

export class InFlight {
  readonly #limit: number;
  readonly #running = new Set<Promise<void>>();
  #failed = false;
  #failure: unknown;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Begins `work`, as soon as there is room for it.
   *
   * @throws what an earlier one failed with; `work` is not begun then.
   */
  async begin(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#limit && !this.#failed) await Promise.race(this.#running);
    this.#throwFailure();
    const running = work()
      .catch((error: unknown) => {
        if (this.#failed) return;
        this.#failed = true;
        this.#failure = error;
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /**
   * Resolves when all that was begun is done.
   *
   * @throws the first failure among them.
   */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failed) throw this.#failure;
  }
}
