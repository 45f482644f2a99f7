/**
 * Decides when a silent peer is asked for a sign of life and when it is given up. It counts ticks and not the clock:
 * when this process itself was stopped or busy for a minute, one tick has passed, and the bytes that wait in the socket
 * are read before the next.
 */
import type { WireLimits } from './wire-limits.ts';

const TICKS_PER_INTERVAL = 4;

export class Liveness {
  /** Milliseconds between ticks. */
  readonly tickMs: number;
  readonly #pingAfter: number;
  readonly #deadAfter: number;
  #heard = false;
  #silentTicks = 0;

  constructor(limits: Pick<WireLimits, 'pingMs' | 'deadMs'>) {
    this.tickMs = Math.max(1, Math.min(limits.pingMs, limits.deadMs) / TICKS_PER_INTERVAL);
    this.#pingAfter = Math.max(1, Math.round(limits.pingMs / this.tickMs));
    this.#deadAfter = Math.max(2, Math.ceil(limits.deadMs / this.tickMs));
  }

  /** The peer has shown life: a byte arrived, or bytes that waited for it were taken. */
  heard(): void {
    this.#heard = true;
  }

  /** To be called every `tickMs`. `ping`: ask the peer now, once per silent interval. `dead`: give it up. */
  tick(): 'alive' | 'ping' | 'dead' {
    if (this.#heard) {
      this.#heard = false;
      this.#silentTicks = 0;
      return 'alive';
    }
    this.#silentTicks++;
    if (this.#silentTicks >= this.#deadAfter) return 'dead';
    return this.#silentTicks % this.#pingAfter === 0 ? 'ping' : 'alive';
  }
}
