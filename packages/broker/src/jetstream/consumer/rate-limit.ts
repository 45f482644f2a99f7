/** How fast a push consumer may send: a bucket of bytes that fills steadily. */

export class RateLimit {
  readonly #bytesPerMs: number;
  readonly #burst: number;
  #available: number;
  #filledAt: number;

  /**
   * @param bitsPerSecond of the consumer's configuration.
   * @param burst bytes that may go at once: at least the largest message, or it could never be sent.
   */
  constructor(bitsPerSecond: number, burst: number, now: number) {
    this.#bytesPerMs = bitsPerSecond / 8_000;
    this.#burst = burst;
    this.#available = burst;
    this.#filledAt = now;
  }

  /** When so many bytes may go, in ms; not later than `now` when they may go now. */
  dueAt(bytes: number, now: number): number {
    this.#fill(now);
    const missing = Math.min(bytes, this.#burst) - this.#available;
    return missing <= 0 ? now : now + missing / this.#bytesPerMs;
  }

  sent(bytes: number): void {
    this.#available -= bytes;
  }

  #fill(now: number): void {
    this.#available = Math.min(this.#burst, this.#available + (now - this.#filledAt) * this.#bytesPerMs);
    this.#filledAt = now;
  }
}
