/** How long the last flushes took. */
const KEPT = 1024;

export class FlushTimes {
  readonly #recent = new Float64Array(KEPT);
  #count = 0;

  /** Flushes since the start. */
  get count(): number {
    return this.#count;
  }

  add(milliseconds: number): void {
    this.#recent[this.#count++ % KEPT] = milliseconds;
  }

  /** Of the last 1024 flushes, in ms; 0 when there was none. */
  percentile(fraction: number): number {
    const sorted = this.#recent.slice(0, Math.min(this.#count, KEPT)).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0;
  }
}
