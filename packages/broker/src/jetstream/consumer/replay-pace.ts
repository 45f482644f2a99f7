/** Replay policy `original`: stored messages are delivered at the distances at which they were stored. */

/** Distances below this are not waited for, in ms. */
const SHORTEST = 1;

export class ReplayPace {
  readonly #until: number;
  #lastTimeUs = 0;
  #lastDeliveredAt = 0;

  /** @param until last sequence that is replayed; later messages are delivered as they come. */
  constructor(until: number) {
    this.#until = until;
  }

  isOver(nextSequence: number): boolean {
    return nextSequence > this.#until;
  }

  /** When a message may be delivered, in ms. */
  dueAt(timeUs: number): number {
    const distance = (timeUs - this.#lastTimeUs) / 1_000;
    return this.#lastTimeUs === 0 || distance <= SHORTEST ? 0 : this.#lastDeliveredAt + distance;
  }

  delivered(timeUs: number, now: number): void {
    this.#lastTimeUs = timeUs;
    this.#lastDeliveredAt = now;
  }
}
