/**
 * What an exponential histogram held at one moment, as plain data: it travels as JSON, two moments give what happened
 * between them, and quantiles are read from it. Buckets as in OpenTelemetry's data model, see `ExponentialHistogram`.
 */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** Infinite (and null in JSON) while `count` is 0. */
  readonly min: number;
  readonly max: number;
  readonly zeroCount: number;
  readonly scale: number;
  /** Bucket index of `counts[0]`. */
  readonly offset: number;
  readonly counts: readonly number[];
}

/** The upper bound, inclusive, of the bucket of an index; it is also the lower bound, exclusive, of the next. */
export function upperBound(index: number, scale: number): number {
  return 2 ** ((index + 1) * 2 ** -scale);
}

/**
 * The value below which the share `q` (0 to 1) of the observations lies, at most one bucket off: interpolated in the
 * logarithm, within the smallest and largest value. Undefined when there are none.
 */
export function quantile(distribution: Distribution, q: number): number | undefined {
  const { count, zeroCount, counts, offset, scale, min, max } = distribution;
  if (count === 0) return undefined;
  const rank = q * count;
  if (rank <= zeroCount && zeroCount > 0) return Math.min(0, min);
  let below = zeroCount;
  for (const [position, here] of counts.entries()) {
    if (here > 0 && below + here >= rank) {
      const share = (rank - below) / here;
      const value = 2 ** ((offset + position + share) * 2 ** -scale);
      return Math.min(Math.max(value, min), max);
    }
    below += here;
  }
  return max;
}

/** How many observations were at most 2^exponent. Undefined where the buckets are too coarse to tell. */
export function countUpToPowerOfTwo(distribution: Distribution, exponent: number): number | undefined {
  const { count, zeroCount, counts, offset, scale, max } = distribution;
  if (count === 0) return 0;
  if (max <= 2 ** exponent) return count;
  const bound = exponent * 2 ** scale;
  if (!Number.isInteger(bound)) return undefined;
  let total = zeroCount;
  const end = Math.min(bound - offset, counts.length);
  for (let position = 0; position < end; position++) total += counts[position]!;
  return total;
}

/** The same at a smaller scale. */
export function coarsen(distribution: Distribution, scale: number): Distribution {
  const shift = distribution.scale - scale;
  if (shift <= 0 || distribution.counts.length === 0)
    return shift <= 0 ? distribution : { ...distribution, scale };
  const offset = distribution.offset >> shift;
  const last = (distribution.offset + distribution.counts.length - 1) >> shift;
  const counts = new Array<number>(last - offset + 1).fill(0);
  for (const [position, count] of distribution.counts.entries())
    counts[((distribution.offset + position) >> shift) - offset]! += count;
  return { ...distribution, scale, offset, counts };
}

/**
 * What was observed between two readings of one histogram. Minimum and maximum are those of the later reading, since
 * nobody kept those of the interval. A restarted process counts from zero again: then it is the later reading.
 */
export function difference(later: Distribution, earlier: Distribution): Distribution {
  if (earlier.count === 0 || earlier.count > later.count) return later;
  const before = coarsen(earlier, later.scale);
  const counts = later.counts.map(
    (count, position) => count - (before.counts[later.offset + position - before.offset] ?? 0),
  );
  if (counts.some((count) => count < 0)) return later;
  return {
    ...later,
    count: later.count - earlier.count,
    sum: later.sum - earlier.sum,
    zeroCount: later.zeroCount - earlier.zeroCount,
    counts,
  };
}

/** Buckets of a merged distribution: two histograms of narrow ranges that lie far apart are told more coarsely. */
const mostBuckets = 160;

/** What several histograms observed together: of all operations, say. Undefined for none. */
export function merge(distributions: readonly Distribution[]): Distribution | undefined {
  const filled = distributions.filter(({ count }) => count > 0);
  if (filled.length === 0) return distributions[0];
  let scale = Math.min(...filled.map((each) => each.scale));
  let [offset, end] = rangeOf(filled, scale);
  while (end - offset > mostBuckets) {
    scale--;
    [offset, end] = rangeOf(filled, scale);
  }
  const counts = new Array<number>(end - offset).fill(0);
  for (const each of filled) {
    const coarse = coarsen(each, scale);
    for (const [position, count] of coarse.counts.entries())
      counts[coarse.offset - offset + position]! += count;
  }
  const total = (figure: 'count' | 'sum' | 'zeroCount') =>
    filled.reduce((sum, each) => sum + each[figure], 0);
  return {
    count: total('count'),
    sum: total('sum'),
    min: Math.min(...filled.map(({ min }) => min)),
    max: Math.max(...filled.map(({ max }) => max)),
    zeroCount: total('zeroCount'),
    scale,
    offset,
    counts,
  };
}

/** The first bucket of any of them at that scale, and the one after the last. */
function rangeOf(distributions: readonly Distribution[], scale: number): [offset: number, end: number] {
  const found = distributions.filter(({ counts }) => counts.length > 0);
  if (found.length === 0) return [0, 0];
  const bucketAt = (index: number, from: number) => Math.floor(index / 2 ** (from - scale));
  return [
    Math.min(...found.map((each) => bucketAt(each.offset, each.scale))),
    Math.max(...found.map((each) => bucketAt(each.offset + each.counts.length - 1, each.scale))) + 1,
  ];
}
