/**
 * Messages on their way to a stream that has not acknowledged them yet: a pure state machine.
 *
 * At most `limit` are under way, the others wait for their turn (back-pressure). What is not acknowledged in time, or was on a
 * connection that broke, is sent again in the order in which it was sent first; the stream recognises it by its id. Each ends
 * once: acknowledged, taken out, or expired at its deadline.
 */

/** What the window keeps with a message. Times are monotonic milliseconds. */
export interface Flight {
  /** Names it while it is under way; 0 while it waits for its turn. */
  token: number;
  /** When it was sent the last time; NaN: never. */
  sentAt: number;
  /** How often it was sent. */
  tries: number;
  /** When to send it again. */
  retryAt: number;
  /** When it is given up. */
  readonly dueAt: number;
}

export interface WindowOptions {
  /** Messages under way at a time. */
  readonly limit: number;
  /** An acknowledgement that takes longer is taken for lost. */
  readonly ackMs: number;
}

/** Waits between tries of what was refused for the moment, in milliseconds. */
const firstRetryMs = 50;
const mostRetryMs = 1_000;

export class AckWindow<F extends Flight> {
  readonly #limit: number;
  readonly #ackMs: number;
  /** In the order of their first sending. */
  readonly #underWay = new Map<number, F>();
  #queue: F[] = [];
  #isOpen = true;
  #lastToken = 0;

  constructor({ limit, ackMs }: WindowOptions) {
    this.#limit = limit;
    this.#ackMs = ackMs;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Takes a message. True: send it now; false: it waits. */
  offer(flight: F, now: number): boolean {
    if (!this.#isOpen || this.#underWay.size >= this.#limit || this.#queue.length > 0) {
      this.#queue.push(flight);
      return false;
    }
    this.#launch(flight, now);
    return true;
  }

  /** The message of a token is under way no more: it was acknowledged, or refused for good. Undefined for one that ended before. */
  end(token: number): F | undefined {
    const flight = this.#underWay.get(token);
    if (flight) this.#underWay.delete(token);
    return flight;
  }

  /** Who has the message's stream cannot take it at the moment: it is sent again later. */
  postpone(token: number, now: number): F | undefined {
    const flight = this.#underWay.get(token);
    if (flight)
      flight.retryAt = now + Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(10, flight.tries - 1));
    return flight;
  }

  /** The next message whose turn it is, to be sent now. */
  next(now: number): F | undefined {
    if (!this.#isOpen || this.#underWay.size >= this.#limit) return undefined;
    const flight = this.#queue.shift();
    if (flight) this.#launch(flight, now);
    return flight;
  }

  /** The connection broke. Nothing is to be sent until it is back. */
  lost(): void {
    this.#isOpen = false;
  }

  /** There is a new connection: what was under way has to be sent again, in this order. */
  back(now: number): F[] {
    this.#isOpen = true;
    const again = [...this.#underWay.values()];
    for (const flight of again) this.#send(flight, now);
    return again;
  }

  /** To be called now and then. Gives what has to be sent again, and what has expired and is in the window no more. */
  tick(now: number): { readonly again: readonly F[]; readonly expired: readonly F[] } {
    const again: F[] = [];
    const expired: F[] = [];
    for (const flight of this.#underWay.values()) {
      if (now >= flight.dueAt) {
        this.#underWay.delete(flight.token);
        expired.push(flight);
      } else if (this.#isOpen && now >= flight.retryAt) {
        this.#send(flight, now);
        again.push(flight);
      }
    }
    if (this.#queue.some(({ dueAt }) => now >= dueAt)) {
      expired.push(...this.#queue.filter(({ dueAt }) => now >= dueAt));
      this.#queue = this.#queue.filter(({ dueAt }) => now < dueAt);
    }
    return { again, expired };
  }

  /** Takes everything out. */
  clear(): F[] {
    const all = [...this.#underWay.values(), ...this.#queue];
    this.#underWay.clear();
    this.#queue = [];
    return all;
  }

  /** Takes one out, wherever it is. False when it had ended before. */
  remove(flight: F): boolean {
    if (flight.token !== 0) return this.#underWay.delete(flight.token);
    const at = this.#queue.indexOf(flight);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }

  #launch(flight: F, now: number): void {
    flight.token = ++this.#lastToken;
    this.#underWay.set(flight.token, flight);
    this.#send(flight, now);
  }

  #send(flight: F, now: number): void {
    flight.tries += 1;
    flight.sentAt = now;
    flight.retryAt = now + this.#ackMs;
  }
}
