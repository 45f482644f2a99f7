import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TraceIds } from './trace-ids.ts';

const MASK = 0xffff_ffffn;
const rotated = (value: bigint, by: bigint) => ((value << by) | (value >> (32n - by))) & MASK;

/** xoshiro128** as its authors' reference has it, in integers without limit. */
function* reference(seed: readonly number[]): Generator<number> {
  const s = seed.map(BigInt) as [bigint, bigint, bigint, bigint];
  for (;;) {
    yield Number((rotated((s[1] * 5n) & MASK, 7n) * 9n) & MASK);
    const shifted = (s[1] << 9n) & MASK;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotated(s[3], 11n);
  }
}

describe('trace ids', () => {
  it('come from xoshiro128**', () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), (seed) => {
        fc.pre(seed.some((part) => part !== 0));
        const ids = new TraceIds(Uint32Array.from(seed));
        for (const expected of reference(seed).take(50)) assert.equal(ids.next() >>> 0, expected);
      }),
    );
  });

  it('differ between processes', () => {
    const first = new Set(Array.from({ length: 100 }, () => new TraceIds().next()));
    assert.ok(first.size > 98);
  });

  it('come even from a seed of zeros, and have a part that is not zero', () => {
    const ids = new TraceIds(new Uint32Array(4));
    const drawn = Array.from({ length: 1000 }, () => ids.nextNonZero());
    assert.ok(drawn.every((part) => part !== 0));
    assert.ok(new Set(drawn).size > 990);
  });
});
