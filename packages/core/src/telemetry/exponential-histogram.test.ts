import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { upperBound } from './distribution.ts';
import { bucketIndex, ExponentialHistogram, maxScale } from './exponential-histogram.ts';

const positive = fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true });
/** Rounding of the bound itself and of the logarithm, as the data model allows. */
const rounding = 1e-12;

test('a bucket holds what is above base^index and at most base^(index + 1), base = 2^(2^-scale)', () => {
  fc.assert(
    fc.property(positive, fc.integer({ min: -10, max: maxScale }), (value, scale) => {
      const index = bucketIndex(value, scale);
      // Compared by logarithms, since bounds at the ends overflow a double.
      const log = Math.log2(value);
      const lower = index * 2 ** -scale;
      const upper = (index + 1) * 2 ** -scale;
      const slack = Math.abs(log) * rounding;
      assert.ok(log > lower - slack && log <= upper + slack, `${lower} < ${log} <= ${upper}`);
    }),
  );
});

test('powers of two are exactly the upper bounds of their buckets, at every scale', () => {
  for (let scale = 0; scale <= maxScale; scale++) {
    for (const exponent of [-1022, -30, -1, 0, 1, 7, 1023]) {
      const value = 2 ** exponent;
      const index = bucketIndex(value, scale);
      assert.equal(upperBound(index, scale), value);
      if (exponent > -1022) assert.equal(bucketIndex(value * (1 - Number.EPSILON), scale), index);
      assert.equal(bucketIndex(value * (1 + Number.EPSILON), scale), index + 1);
    }
  }
});

test('below scale 0, buckets merge powers of two in pairs, fours, …', () => {
  // Scale -1: (1, 4] is bucket 0, (4, 16] is bucket 1, (1/4, 1] is bucket -1.
  assert.deepEqual(
    [1.1, 4, 4.1, 16, 1, 0.26, 0.25].map((value) => bucketIndex(value, -1)),
    [0, 0, 1, 1, -1, -1, -2],
  );
});

test('a histogram counts what a list of the values would, in at most 160 buckets', () => {
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1, maxLength: 300 }), (values) => {
      const histogram = new ExponentialHistogram();
      for (const value of values) histogram.observe(value);
      const { count, counts, offset, scale, min, max } = histogram.read();
      assert.equal(count, values.length);
      assert.ok(counts.length <= 160);
      assert.deepEqual([min, max], [Math.min(...values), Math.max(...values)]);
      const expected = new Map<number, number>();
      for (const value of values) {
        const index = bucketIndex(value, scale);
        expected.set(index, (expected.get(index) ?? 0) + 1);
      }
      const actual = new Map(
        counts.map((number, position) => [offset + position, number] as const).filter(([, number]) => number),
      );
      // A value within rounding of a bound may have been put at either side of it at the finer scale before.
      for (const [index, number] of expected) {
        const near = (actual.get(index - 1) ?? 0) + (actual.get(index) ?? 0) + (actual.get(index + 1) ?? 0);
        assert.ok(near >= number, `bucket ${index} has ${near}, expected ${number}`);
      }
      assert.equal(
        counts.reduce((total, number) => total + number, 0),
        count,
      );
    }),
  );
});

test('the scale is the finest at which the range fits', () => {
  const histogram = new ExponentialHistogram();
  histogram.observe(1);
  assert.equal(histogram.scale, maxScale);
  histogram.observe(2);
  // (1, 2] needs 2^scale buckets and 1 lies in the one below: 2^7 + 1 fit into 160, 2^8 + 1 do not.
  assert.equal(histogram.scale, 7);
  histogram.observe(Number.MAX_VALUE);
  histogram.observe(Number.MIN_VALUE);
  assert.equal(histogram.scale, -4);
  assert.equal(histogram.read().count, 4);
});

test('what is zero or less is counted apart, what is not finite is left out', () => {
  const histogram = new ExponentialHistogram();
  for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3])
    histogram.observe(value);
  const { count, zeroCount, sum, counts } = histogram.read();
  assert.deepEqual([count, zeroCount, sum, counts], [3, 2, 3, [1]]);
});
