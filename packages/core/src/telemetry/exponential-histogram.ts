/**
 * A distribution with base-2 exponential buckets, as OpenTelemetry's data model defines them: at scale s the bucket of
 * index i holds what is greater than base^i and at most base^(i+1), where base = 2^(2^-s). The scale is as fine as 160
 * buckets allow for what was observed, and halves its resolution when a value does not fit; the relative error of a
 * quantile is 2 % for values that span a factor of 100, 4 % for 10 000.
 */
import { type Distribution, quantile } from './distribution.ts';

/** OpenTelemetry's defaults: at most 160 buckets, and a scale between -10 and 20. */
const capacity = 160;
export const maxScale = 20;

const word = new Float64Array(1);
const halves = new Uint32Array(word.buffer);

export class ExponentialHistogram {
  count = 0;
  sum = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  zeroCount = 0;
  #scale = maxScale;
  #factor = 2 ** maxScale;
  /** Counts by bucket index modulo capacity: the indexes in use never span more than that. */
  readonly #counts = new Float64Array(capacity);
  #lowest = 0;
  #highest = -1;

  get scale(): number {
    return this.#scale;
  }

  /**
   * Counts a value. What is zero or less goes to the count of zeros (a clock may step back), what is not finite is
   * left out. Measured at 20 ns.
   */
  observe(value: number): void {
    if (!(value < Number.POSITIVE_INFINITY && value > Number.NEGATIVE_INFINITY)) return;
    this.count += 1;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    if (value <= 0) {
      this.zeroCount += 1;
      return;
    }
    this.sum += value;
    let index = bucketIndex(value, this.#scale, this.#factor);
    if (this.#highest < this.#lowest) {
      this.#lowest = index;
      this.#highest = index;
    } else if (index < this.#lowest || index > this.#highest) {
      index = this.#widen(index);
    }
    this.#counts[slot(index)]! += 1;
  }

  /** The value below which the share `q` of what was observed lies; undefined when nothing was. */
  quantile(q: number): number | undefined {
    return quantile(this.read(), q);
  }

  /** What was counted so far, as a value. */
  read(): Distribution {
    const counts: number[] = [];
    for (let index = this.#lowest; index <= this.#highest; index++) counts.push(this.#counts[slot(index)]!);
    const { count, sum, min, max, zeroCount } = this;
    return { count, sum, min, max, zeroCount, scale: this.#scale, offset: this.#lowest, counts };
  }

  /** Makes room for a bucket outside of those in use; returns its index at the scale that follows. */
  #widen(index: number): number {
    let lowest = Math.min(index, this.#lowest);
    let highest = Math.max(index, this.#highest);
    let halvings = 0;
    while (highest - lowest >= capacity) {
      lowest >>= 1;
      highest >>= 1;
      halvings++;
    }
    if (halvings > 0) this.#coarsen(halvings);
    this.#lowest = lowest;
    this.#highest = highest;
    return index >> halvings;
  }

  /** Merges neighbours: at one scale less, buckets 2i and 2i+1 are bucket i. */
  #coarsen(halvings: number): void {
    const before = this.#counts.slice();
    this.#counts.fill(0);
    for (let index = this.#lowest; index <= this.#highest; index++)
      this.#counts[slot(index >> halvings)]! += before[slot(index)]!;
    this.#scale -= halvings;
    this.#factor = 2 ** this.#scale;
  }
}

function slot(index: number): number {
  const rest = index % capacity;
  return rest < 0 ? rest + capacity : rest;
}

/**
 * The bucket of a positive value. Powers of two are bounds at every scale and are found exactly; elsewhere the
 * logarithm may put a value that is within rounding of a bound on the other side of it, as the data model allows.
 */
export function bucketIndex(value: number, scale: number, factor = 2 ** scale): number {
  word[0] = value;
  const high = halves[1]!;
  if (high < 0x100000) return Math.ceil(Math.log2(value) * factor) - 1; // subnormal
  const exponent = (high >>> 20) - 1023;
  if (halves[0] === 0 && (high & 0xfffff) === 0) return Math.ceil(exponent * factor) - 1;
  if (scale <= 0) return exponent >> -scale;
  return Math.max(Math.ceil(Math.log2(value) * factor) - 1, exponent * factor);
}
