/**
 * How long the event loop kept what was due waiting, of late. Node counts the delay of every turn of the loop without a
 * timer, and so at no cost while the process is idle; here its histogram is read in windows, so that a bad second is
 * seen by every reader and is over when it is over.
 */

/** What is read of Node's histogram; in nanoseconds, as it counts. */
export interface DelayHistogram {
  readonly count: number;
  readonly mean: number;
  readonly max: number;
  percentile(percentile: number): number;
  reset(): void;
}

/** In seconds. */
export interface LoopDelay {
  readonly mean: number;
  readonly p99: number;
  readonly max: number;
}

/** A window that is read later than this after it began is closed. */
const windowMs = 10_000;
const none: LoopDelay = { mean: 0, p99: 0, max: 0 };

export class LoopDelayWindows {
  readonly #histogram: DelayHistogram;
  #last: LoopDelay = none;
  #begunMs: number;

  constructor(histogram: DelayHistogram, nowMs: number) {
    this.#histogram = histogram;
    this.#begunMs = nowMs;
  }

  /** The worse of the window that runs and the one before it: the last 10 to 20 s, or since the last reading. */
  read(nowMs: number): LoopDelay {
    const current = this.#current();
    const seen: LoopDelay = {
      mean: Math.max(current.mean, this.#last.mean),
      p99: Math.max(current.p99, this.#last.p99),
      max: Math.max(current.max, this.#last.max),
    };
    if (nowMs - this.#begunMs < windowMs) return seen;
    // The window before this one was over before it began: it is told no more when this one alone covers the time.
    const alone = nowMs - this.#begunMs >= 2 * windowMs;
    this.#last = current;
    this.#begunMs = nowMs;
    this.#histogram.reset();
    return alone ? current : seen;
  }

  #current(): LoopDelay {
    const histogram = this.#histogram;
    if (histogram.count === 0) return none;
    return { mean: histogram.mean / 1e9, p99: histogram.percentile(99) / 1e9, max: histogram.max / 1e9 };
  }
}
