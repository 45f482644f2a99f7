/**
 * Tells the silence of an instance from the silence of the broker: a pure state machine.
 *
 * A broker that is gone closes the connection. One that hangs (stopped, swapping, behind a broken network) says nothing for
 * many seconds until the connection is given up, and neither does one that this process did not listen to because it stood
 * still itself. As long as nothing at all is heard, nobody's silence means anything.
 */

/**
 * A live broker is heard at least every {@link probeAfterMs}, because it answers probes, and the half second until somebody
 * looks whether to probe. An instance that was heard a second before the broker fell silent has a time to live of
 * 3,500 ms: the broker has to count as away first.
 */
const silentAfterMs = 2_000;
const probeAfterMs = 1_000;

export class BrokerWatch {
  #heardAt: number;
  #lost = false;

  constructor(now: number) {
    this.#heardAt = now;
  }

  /** Anything came from the broker. True when it was away before: what the others said meanwhile was not heard. */
  heard(now: number): boolean {
    const wasAway = this.isAway(now);
    this.#heardAt = now;
    this.#lost = false;
    return wasAway;
  }

  /** The connection broke. */
  lost(): void {
    this.#lost = true;
  }

  /** Whether the connection is there, as far as is known. */
  get isConnected(): boolean {
    return !this.#lost;
  }

  isAway(now: number): boolean {
    return this.#lost || now - this.#heardAt > silentAfterMs;
  }

  /** Whether the broker should be asked for a sign of life. */
  wantsProbe(now: number): boolean {
    return !this.#lost && now - this.#heardAt >= probeAfterMs;
  }
}
