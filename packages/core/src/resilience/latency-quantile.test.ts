import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LatencyQuantile } from './latency-quantile.ts';

test('there is no quantile of too few latencies', () => {
  const latencies = new LatencyQuantile();
  for (let n = 0; n < 19; n++) latencies.record(1);
  assert.equal(latencies.quantile(0.5), undefined);
  latencies.record(1);
  assert.ok(latencies.quantile(0.5)! >= 1);
});

test('a quantile is that of the sorted latencies, at most an eighth too high', () => {
  const latency = fc.double({ min: 0.001, max: 100_000, noNaN: true });
  const quantile = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(latency, { minLength: 20, maxLength: 500 }), quantile, (all, q) => {
      const latencies = new LatencyQuantile();
      for (const ms of all) latencies.record(ms);
      const sorted = Float64Array.from(all).sort();
      const exact = sorted[Math.max(0, Math.ceil(q * all.length) - 1)]!;
      const found = latencies.quantile(q)!;
      assert.ok(found >= exact && found <= exact * 1.125 * (1 + 1e-9), `${found} for ${exact}`);
    }),
  );
});

test('zero and the endless are latencies too', () => {
  const latencies = new LatencyQuantile();
  for (let n = 0; n < 30; n++) latencies.record(0);
  assert.ok(latencies.quantile(1)! < 0.01);
  for (let n = 0; n < 100; n++) latencies.record(Number.POSITIVE_INFINITY);
  assert.ok(latencies.quantile(1)! > 1_000_000);
});

test('what was long ago counts less and less', () => {
  const latencies = new LatencyQuantile();
  for (let n = 0; n < 10_000; n++) latencies.record(1);
  assert.ok(latencies.quantile(0.95)! < 2);
  for (let n = 0; n < 2_048; n++) latencies.record(100);
  assert.ok(latencies.quantile(0.95)! > 99);
  for (let n = 0; n < 10 * 2_048; n++) latencies.record(1);
  assert.ok(latencies.quantile(0.95)! < 2);
});

test('it follows new latencies within 64 records, and another quantile at once', () => {
  const latencies = new LatencyQuantile();
  for (let n = 0; n < 100; n++) latencies.record(1);
  assert.ok(latencies.quantile(0.5)! < 2);
  for (let n = 0; n < 64; n++) latencies.record(50);
  assert.ok(latencies.quantile(0.9)! > 49);
  for (let n = 0; n < 64; n++) latencies.record(50);
  assert.ok(latencies.quantile(0.5)! > 49);
});
