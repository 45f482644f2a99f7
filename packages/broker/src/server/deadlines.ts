/**
 * The clock of one connection: time to authenticate, to take bytes, to answer PING. Pure; the owner calls `check`
 * every now and then. Activity only sets a flag, so that the hot path never asks for the time.
 */
import type { Limits } from '../limits.ts';

export type Verdict = 'fine' | 'send-ping' | 'authentication-timeout' | 'write-timeout' | 'stale';

export type DeadlineLimits = Pick<
  Limits,
  'authTimeoutMs' | 'writeDeadlineMs' | 'pingIntervalMs' | 'maxPingsOut'
>;

export class Deadlines {
  /** Set once a valid CONNECT has come, or when none is needed. */
  authenticated = false;

  readonly #limits: DeadlineLimits;
  readonly #openedAt: number;
  #heard = false;
  #lastHeard: number;
  #written = false;
  #lastWritten: number;
  #pingDue: number;
  #pingsOut = 0;

  /** @param now in ms, of the same clock as in `check`. */
  constructor(limits: DeadlineLimits, now: number) {
    this.#limits = limits;
    this.#openedAt = now;
    this.#lastHeard = now;
    this.#lastWritten = now;
    this.#pingDue = now + limits.pingIntervalMs;
  }

  /** Bytes came in. */
  heard(): void {
    this.#heard = true;
  }

  /** A PONG came in. */
  answered(): void {
    this.#pingsOut = 0;
  }

  /** The operating system took a write. */
  written(): void {
    this.#written = true;
  }

  /** @param waiting whether the socket holds bytes that the operating system has not taken. */
  check(now: number, waiting: boolean): Verdict {
    const { authTimeoutMs, writeDeadlineMs, pingIntervalMs, maxPingsOut } = this.#limits;
    if (!this.authenticated && now - this.#openedAt >= authTimeoutMs) return 'authentication-timeout';

    if (!waiting || this.#written) {
      this.#written = false;
      this.#lastWritten = now;
    } else if (now - this.#lastWritten >= writeDeadlineMs) return 'write-timeout';

    if (this.#heard) {
      this.#heard = false;
      this.#lastHeard = now;
    }
    if (now < this.#pingDue) return 'fine';
    if (this.#pingsOut === 0 && now - this.#lastHeard < pingIntervalMs) {
      this.#pingDue = this.#lastHeard + pingIntervalMs;
      return 'fine';
    }
    if (this.#pingsOut >= maxPingsOut) return 'stale';
    this.#pingsOut++;
    this.#pingDue = now + pingIntervalMs;
    return 'send-ping';
  }
}
