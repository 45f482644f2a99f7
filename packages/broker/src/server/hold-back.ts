/**
 * Back-pressure between connections: a publisher whose messages pile up for a slower client pauses reading, until
 * that client has caught up, or for a short time at most. The bound keeps one bad client from stopping everyone who
 * publishes to it; a client that still falls behind is disconnected by its limits. nats-server does the same.
 */

/** Longest pause for one chunk of input, in ms; the value of nats-server. */
const LONGEST_MS = 100;

export interface Pausable {
  pause(): void;
  resume(): void;
}

export class HoldBack {
  readonly #input: Pausable;
  /** Those who wait for this connection. */
  readonly #waiting = new Set<HoldBack>();
  #timer: NodeJS.Timeout | undefined;

  /** @param input where this connection's own publishing comes from. */
  constructor(input: Pausable) {
    this.#input = input;
  }

  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  /** Stops reading until `release` of the other one. */
  waitFor(other: HoldBack): void {
    if (other === this || this.#timer !== undefined) return;
    this.#input.pause();
    other.#waiting.add(this);
    this.#timer = setTimeout(() => {
      other.#waiting.delete(this);
      this.#goOn();
    }, LONGEST_MS);
  }

  /** Lets go of all who wait for this connection. */
  release(): void {
    for (const other of this.#waiting) other.#goOn();
    this.#waiting.clear();
  }

  /** This connection is closing: nobody waits for it, and it waits for nobody. */
  end(): void {
    this.release();
    this.#goOn();
  }

  #goOn(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#input.resume();
  }
}
