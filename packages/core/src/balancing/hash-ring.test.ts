import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash32 } from './hash-ring.ts';

test('keys that differ little are spread evenly over the ring', () => {
  const buckets = new Array<number>(64).fill(0);
  for (let n = 0; n < 64_000; n++) buckets[hash32(`acc-${n}`) >>> 26]!++;
  assert.ok(Math.min(...buckets) > 850 && Math.max(...buckets) < 1_150, buckets.join());
});

test('one bit of the key changes half of the bits of the place', () => {
  let changed = 0;
  for (let n = 0; n < 10_000; n++) {
    let bits = hash32(`symbol-${n}`) ^ hash32(`symbol-${n ^ 1}`);
    for (; bits !== 0; bits &= bits - 1) changed++;
  }
  assert.ok(Math.abs(changed / 10_000 - 16) < 0.3, `${changed / 10_000} of 32`);
});

test('characters beyond Latin-1 count in full', () => {
  assert.notEqual(hash32('\u0141'), hash32('\u0241'));
  assert.notEqual(hash32(''), hash32('\0'));
});
