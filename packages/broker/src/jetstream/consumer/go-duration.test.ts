import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readGoDuration, showGoDuration } from './go-duration.ts';

test('durations are written as Go writes them', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0s'],
    [1, '1ns'],
    [1_500, '1.5µs'],
    [100e6, '100ms'],
    [1e9, '1s'],
    [1_500_000_000, '1.5s'],
    [90e9, '1m30s'],
    [3600e9, '1h0m0s'],
    [3_661_000_000_001, '1h1m1.000000001s'],
    [-2e9, '-2s'],
  ];
  for (const [nanoseconds, text] of cases) assert.equal(showGoDuration(nanoseconds), text);
});

test('what is written can be read', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e15, max: 1e15 }), (nanoseconds) => {
      const read = readGoDuration(showGoDuration(nanoseconds));
      assert.ok(read !== undefined && Math.abs(read - nanoseconds) <= 1);
    }),
  );
});

test('what Go would not take is not taken', () => {
  for (const text of ['', '-', '5', '1x', 's', '1s ', '1 s', '1s1']) {
    assert.equal(readGoDuration(text), undefined, text);
  }
  assert.equal(readGoDuration('+1h2m.5s'), 3_720_500_000_000);
});
