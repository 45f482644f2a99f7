/** How often a participant may act: a token bucket, full at the beginning so that a market is there at once. */
export class ActionBudget {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number | undefined;

  constructor(perSecond: number, burst: number) {
    if (!(perSecond > 0) || !(burst >= 1)) {
      throw new RangeError(
        `${perSecond} actions a second with ${burst} at once: give more than 0, and at least 1`,
      );
    }
    this.#perMs = perSecond / 1_000;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** How many actions are possible now. A clock that goes back gives nothing and takes nothing. */
  available(now: number): number {
    const elapsed = this.#at === undefined ? 0 : Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMs);
    return Math.floor(this.#tokens);
  }

  spend(actions: number): void {
    this.#tokens -= actions;
  }
}
