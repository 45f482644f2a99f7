/**
 * Tells a peer that stands still (stopped, blocked, cut off) from one that is only slow: while calls wait and nothing
 * has come for a while, it is asked for a sign of life, which a slow one still gives. Counts ticks and not the clock, as
 * {@link Liveness} does: a pause of this process is one tick, and what waits in the socket is read before the next.
 */

/** Milliseconds between ticks; ticks are needed only while calls are in flight or the peer stalls. */
export const stallTickMs = 100;
const pingAfterTicks = 2;
const stalledAfterTicks = 5;
/** While the peer stalls it is asked again, once a second. */
const pingAgainTicks = 10;

export type StallVerdict = 'idle' | 'watch' | 'ping' | 'stalled' | 'alive';

export class StallWatch {
  stalled = false;
  #heardBefore = -1;
  #silentTicks = 0;

  /**
   * To be called every `stallTickMs`. `ping`: ask now. `stalled`, `alive`: the peer has just begun, or ceased, to stall.
   * `idle`: no more ticks are needed until the next call.
   *
   * @param heard how often the peer has shown life so far
   * @param waiting whether a call waits for its answer
   */
  tick(heard: number, waiting: boolean): StallVerdict {
    if (heard !== this.#heardBefore) {
      this.#heardBefore = heard;
      this.#silentTicks = 0;
      if (this.stalled) {
        this.stalled = false;
        return 'alive';
      }
      return waiting ? 'watch' : 'idle';
    }
    if (!waiting && !this.stalled) {
      this.#silentTicks = 0;
      return 'idle';
    }
    this.#silentTicks++;
    if (this.#silentTicks === pingAfterTicks) return 'ping';
    if (this.#silentTicks === stalledAfterTicks && waiting) {
      this.stalled = true;
      return 'stalled';
    }
    return this.#silentTicks % pingAgainTicks === 0 ? 'ping' : 'watch';
  }
}
