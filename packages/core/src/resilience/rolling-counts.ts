/**
 * Counts of the last while, in buckets of 100 ms: what resilience4j calls a time-based sliding window. Adding and reading
 * the window are O(1) and allocate nothing; a bucket that leaves the window is subtracted from its sums.
 */

export const bucketMs = 100;

export class RollingCounts {
  readonly #columns: number;
  /** Buckets of the window, and those kept in all. */
  readonly #recent: number;
  readonly #kept: number;
  readonly #cells: Int32Array;
  readonly #sums: Int32Array;
  readonly #reach: Int32Array;
  #tick = Number.NEGATIVE_INFINITY;

  /**
   * @param columns how many things are counted.
   * @param windowMs the window, a multiple of 100 ms.
   * @param keptMs how far `reachBack` may reach; no less than the window.
   */
  constructor(columns: number, windowMs: number, keptMs: number = windowMs) {
    this.#columns = columns;
    this.#recent = Math.max(1, Math.round(windowMs / bucketMs));
    this.#kept = Math.max(this.#recent, Math.round(keptMs / bucketMs));
    this.#cells = new Int32Array(this.#kept * columns);
    this.#sums = new Int32Array(columns);
    this.#reach = new Int32Array(columns);
  }

  add(now: number, column: number): void {
    this.#advance(now);
    this.#cells[(this.#tick % this.#kept) * this.#columns + column]!++;
    this.#sums[column]!++;
  }

  /** The window's count. */
  sum(now: number, column: number): number {
    this.#advance(now);
    return this.#sums[column]!;
  }

  /**
   * The counts of the window or, where its first column holds fewer than `least`, of as many older buckets with it as are
   * needed and kept. The array is the same every time.
   */
  reachBack(now: number, least: number): Int32Array {
    this.#advance(now);
    const reach = this.#reach;
    reach.set(this.#sums);
    for (let back = this.#recent; back < this.#kept && reach[0]! < least; back++) {
      const tick = this.#tick - back;
      if (tick < 0) break;
      const at = (tick % this.#kept) * this.#columns;
      for (let column = 0; column < this.#columns; column++) reach[column]! += this.#cells[at + column]!;
    }
    return reach;
  }

  clear(): void {
    this.#cells.fill(0);
    this.#sums.fill(0);
  }

  /** A clock that goes back counts as one that stands still. */
  #advance(now: number): void {
    const tick = Math.floor(now / bucketMs);
    if (tick <= this.#tick) return;
    if (tick - this.#tick >= this.#kept) this.clear();
    else while (this.#tick < tick) this.#step();
    this.#tick = tick;
  }

  #step(): void {
    const next = this.#tick + 1;
    this.#tick = next;
    const columns = this.#columns;
    if (next >= this.#recent) {
      const leaving = ((next - this.#recent) % this.#kept) * columns;
      for (let column = 0; column < columns; column++) this.#sums[column]! -= this.#cells[leaving + column]!;
    }
    const reused = (next % this.#kept) * columns;
    for (let column = 0; column < columns; column++) this.#cells[reused + column] = 0;
  }
}
