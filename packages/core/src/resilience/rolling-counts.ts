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
  /** The bucket of now, and when the next begins. */
  #slot = 0;
  #endsAt = Number.NEGATIVE_INFINITY;

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
    if (now >= this.#endsAt) this.#advance(now);
    this.#cells[this.#slot * this.#columns + column]!++;
    this.#sums[column]!++;
  }

  /** The window's count. */
  sum(now: number, column: number): number {
    if (now >= this.#endsAt) this.#advance(now);
    return this.#sums[column]!;
  }

  /**
   * The counts of the window or, where its first column holds fewer than `least`, of as many older buckets with it as are
   * needed and kept. To be read before the next call and not to be changed.
   */
  reachBack(now: number, least: number): Int32Array {
    if (now >= this.#endsAt) this.#advance(now);
    if (this.#sums[0]! >= least) return this.#sums;
    const reach = this.#reach;
    const columns = this.#columns;
    for (let column = 0; column < columns; column++) reach[column] = this.#sums[column]!;
    for (let back = this.#recent; back < this.#kept && reach[0]! < least; back++) {
      const at = this.#before(back) * columns;
      for (let column = 0; column < columns; column++) reach[column]! += this.#cells[at + column]!;
    }
    return reach;
  }

  /** Takes back all that a column has counted, and as much of the first, which counts the same things and others. */
  takeBack(column: number): void {
    const columns = this.#columns;
    for (let at = 0; at < this.#cells.length; at += columns) {
      this.#cells[at]! -= this.#cells[at + column]!;
      this.#cells[at + column] = 0;
    }
    this.#sums[0]! -= this.#sums[column]!;
    this.#sums[column] = 0;
  }

  clear(): void {
    this.#cells.fill(0);
    this.#sums.fill(0);
  }

  /** A clock that goes back counts as one that stands still. */
  #advance(now: number): void {
    const begins = Math.floor(now / bucketMs) * bucketMs;
    const steps = Math.round((begins + bucketMs - this.#endsAt) / bucketMs);
    this.#endsAt = begins + bucketMs;
    if (steps >= this.#kept) this.clear();
    else for (let step = 0; step < steps; step++) this.#step();
  }

  #step(): void {
    const columns = this.#columns;
    this.#slot = this.#slot + 1 === this.#kept ? 0 : this.#slot + 1;
    // Where no more is kept than the window, the bucket that leaves it is the one to be used again.
    const leaving = this.#before(this.#recent) * columns;
    const reused = this.#slot * columns;
    for (let column = 0; column < columns; column++) {
      this.#sums[column]! -= this.#cells[leaving + column]!;
      this.#cells[reused + column] = 0;
    }
  }

  #before(back: number): number {
    const slot = this.#slot - back;
    return slot < 0 ? slot + this.#kept : slot;
  }
}
