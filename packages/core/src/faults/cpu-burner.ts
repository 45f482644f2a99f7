/**
 * Burns a share of one core on this process's event loop, in slices with gaps between them: the loop is busy as it is with
 * real work, and everything else in the process goes on, only later.
 */

/** Length of a slice and its gap together, in milliseconds. */
const PERIOD_MS = 25;
/** A gap that the machine has stretched is not paid back with a slice longer than this. */
const LONGEST_SLICE_MS = 100;

/** The rim: the clock, a busy wait, and a timer. */
export interface BurnerRim {
  /** Monotonic milliseconds. */
  now(): number;
  burn(ms: number): void;
  /** Calls `next` after `ms`; 0 for the next turn of the event loop. Returns how to call that off. */
  later(ms: number, next: () => void): () => void;
}

export class CpuBurner {
  readonly #rim: BurnerRim;
  #share = 0;
  #sliceEndedAt = 0;
  #callOff: (() => void) | undefined;

  constructor(rim: BurnerRim = processRim) {
    this.#rim = rim;
  }

  /** @param share of one core, 0 to 1; 0 stops it. */
  set(share: number): void {
    this.#share = Math.min(1, share);
    if (this.#share <= 0) {
      this.#callOff?.();
      this.#callOff = undefined;
    } else if (this.#callOff === undefined) {
      this.#sliceEndedAt = this.#rim.now();
      this.#pause();
    }
  }

  #pause(): void {
    this.#callOff = this.#rim.later(PERIOD_MS * (1 - this.#share), () => this.#slice());
  }

  #slice(): void {
    const rim = this.#rim;
    // As much as makes the share right for the gap there really was.
    const gapMs = rim.now() - this.#sliceEndedAt;
    const sliceMs =
      this.#share === 1 ? PERIOD_MS : Math.min(LONGEST_SLICE_MS, (gapMs * this.#share) / (1 - this.#share));
    rim.burn(sliceMs);
    this.#sliceEndedAt = rim.now();
    this.#pause();
  }
}

const processRim: BurnerRim = {
  now: () => performance.now(),
  burn(ms) {
    const end = performance.now() + ms;
    while (performance.now() < end);
  },
  later(ms, next) {
    if (ms < 1) {
      const immediate = setImmediate(next).unref();
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(next, ms).unref();
    return () => clearTimeout(timer);
  },
};
