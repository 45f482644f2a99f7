/** Tells those who could send a client more, later, when they should wait and when they may go on. */
import type { Backlog } from '../routing/subscription.ts';

/** Bytes that may wait for a client before what can wait does. Enough to keep a socket busy for a turn or two. */
const SATURATED_AT = 1_048_576;

export class ClientBacklog implements Backlog {
  readonly #pending: () => number;
  readonly #limit: number;
  readonly #listeners = new Set<() => void>();

  /**
   * @param pending bytes that wait for the client at this moment.
   * @param maxPending bytes at which the client is cut off as too slow.
   */
  constructor(pending: () => number, maxPending: number) {
    this.#pending = pending;
    this.#limit = Math.min(SATURATED_AT, maxPending / 2);
  }

  get saturated(): boolean {
    return this.#pending() > this.#limit;
  }

  whenRelieved(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Bytes have left. */
  drained(): void {
    if (this.#listeners.size > 0 && this.#pending() < this.#limit / 2) this.#tell();
  }

  /** The client is gone. */
  end(): void {
    this.#tell();
  }

  #tell(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}
