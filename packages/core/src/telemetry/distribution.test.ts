import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { coarsen, countUpToPowerOfTwo, difference, merge, quantile } from './distribution.ts';
import { bucketIndex, ExponentialHistogram } from './exponential-histogram.ts';

const latency = fc.double({ min: 1e-6, max: 100, noNaN: true });

function histogramOf(values: readonly number[]): ExponentialHistogram {
  const histogram = new ExponentialHistogram();
  for (const value of values) histogram.observe(value);
  return histogram;
}

test('a quantile is within one bucket of the one of the sorted values', () => {
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 200 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, q) => {
        const read = histogramOf(values).read();
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(q * values.length) - 1)]!;
        const width = 2 ** (2 ** -read.scale);
        const found = quantile(read, q)!;
        assert.ok(found >= (exact / width) * (1 - 1e-9) && found <= exact * width * (1 + 1e-9));
      },
    ),
  );
});

test('nothing has no quantile, and zeros have zero', () => {
  assert.equal(quantile(histogramOf([]).read(), 0.5), undefined);
  assert.equal(quantile(histogramOf([0, 0, 5]).read(), 0.5), 0);
});

test('counts up to a power of two are exact', () => {
  fc.assert(
    fc.property(fc.array(latency), fc.integer({ min: -20, max: 8 }), (values, exponent) => {
      const expected = values.filter((value) => value <= 2 ** exponent).length;
      assert.equal(countUpToPowerOfTwo(histogramOf(values).read(), exponent), expected);
    }),
  );
});

test('a count that the buckets are too coarse for is not made up', () => {
  const histogram = histogramOf([1e-300, 1e300]);
  assert.ok(histogram.scale < 0);
  assert.equal(countUpToPowerOfTwo(histogram.read(), 1), undefined);
});

test('a coarser reading has the buckets that its scale defines', () => {
  fc.assert(
    fc.property(fc.array(latency, { minLength: 1 }), fc.integer({ min: 1, max: 12 }), (values, halvings) => {
      const fine = histogramOf(values).read();
      const coarse = coarsen(fine, fine.scale - halvings);
      const expected = new Map<number, number>();
      for (const [position, count] of fine.counts.entries()) {
        const upper = (fine.offset + position + 1) * 2 ** -fine.scale;
        const index = Math.ceil(upper * 2 ** coarse.scale) - 1;
        if (count) expected.set(index, (expected.get(index) ?? 0) + count);
      }
      const actual = coarse.counts.map((count, position) => [coarse.offset + position, count] as const);
      assert.deepEqual(new Map(actual.filter(([, count]) => count)), expected);
    }),
  );
});

test('the difference of two readings is what was observed between them, whatever the scale became', () => {
  fc.assert(
    fc.property(fc.array(latency), fc.array(latency), (first, second) => {
      const histogram = histogramOf(first);
      const earlier = histogram.read();
      for (const value of second) histogram.observe(value);
      const between = difference(histogram.read(), earlier);
      assert.equal(between.count, second.length);
      assert.equal(
        between.counts.reduce((total, count) => total + count, 0),
        second.length,
      );
      for (const value of second) {
        const index = bucketIndex(value, between.scale);
        const near = [-1, 0, 1].map((step) => between.counts[index + step - between.offset] ?? 0);
        assert.ok(near.some((count) => count > 0));
      }
    }),
  );
});

test('after a restart, what happened since is all there is', () => {
  const earlier = histogramOf([1, 1, 1]).read();
  const later = histogramOf([2]).read();
  assert.equal(difference(later, earlier), later);
});

test('several distributions together are the distribution of all their values', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.oneof(latency, fc.constant(0)), { maxLength: 50 }), { minLength: 1 }),
      (parts) => {
        const merged = merge(parts.map((values) => histogramOf(values).read()))!;
        const all = histogramOf(parts.flat()).read();
        assert.ok(merged.counts.length <= 160);
        const scale = Math.min(merged.scale, all.scale);
        const { sum, ...expected } = coarsen(all, scale);
        assert.ok(Math.abs(merged.sum - sum) <= 1e-9 * Math.abs(sum));
        assert.equal(merged.count, expected.count);
        assert.equal(merged.zeroCount, expected.zeroCount);
        if (all.count === 0) return;
        assert.deepEqual([merged.min, merged.max], [expected.min, expected.max]);
        const indexed = ({ offset, counts }: { offset: number; counts: readonly number[] }) =>
          counts.flatMap((count, position) => (count > 0 ? [[offset + position, count]] : []));
        assert.deepEqual(indexed(coarsen(merged, scale)), indexed(expected));
      },
    ),
  );
  assert.equal(merge([]), undefined);
});
