/**
 * When to tell the broker that a message is still being handled, so that it does not hand it to another: a pure state machine. A third
 * of the time after which the broker would, since two of three signs of life may be lost.
 */
export class InProgressSchedule<T> {
  readonly #everyMs: number;
  /** In the order in which they are due, since all wait equally long. */
  readonly #dueAt = new Map<T, number>();

  /** @param ackWaitMs after which the broker hands a message to another. */
  constructor(ackWaitMs: number) {
    this.#everyMs = ackWaitMs / 3;
  }

  get size(): number {
    return this.#dueAt.size;
  }

  /** A message was delivered, or delivered again. */
  taken(item: T, now: number): void {
    this.#dueAt.delete(item);
    this.#dueAt.set(item, now + this.#everyMs);
  }

  /** It is acknowledged, or given back. */
  ended(item: T): void {
    this.#dueAt.delete(item);
  }

  /** Those to tell of now. */
  due(now: number): T[] {
    const due: T[] = [];
    for (const [item, at] of this.#dueAt) {
      if (at > now) break;
      due.push(item);
    }
    for (const item of due) this.taken(item, now);
    return due;
  }
}
