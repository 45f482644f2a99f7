import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsualDuration } from './usual-duration.ts';

function after(durations: Iterable<number>): UsualDuration {
  const usual = new UsualDuration();
  for (const duration of durations) usual.observe(duration);
  return usual;
}

const repeat = (count: number, of: (index: number) => number) =>
  Array.from({ length: count }, (_, i) => of(i));

describe('what is usual for a name', () => {
  it('is a second until twenty are known', () => {
    const usual = after(repeat(19, () => 3));
    assert.equal(usual.observe(999), false);
    const first = after([]);
    assert.equal(first.observe(1001), true);
  });

  it('never finds 10 ms slow', () => {
    assert.equal(after(repeat(1000, () => 0.1)).observe(10), false);
    assert.equal(after(repeat(1000, () => 0.1)).observe(12), true);
  });

  it('finds one slow that takes ten times as long as all others', () => {
    assert.equal(after(repeat(1000, (index) => 20 + (index % 5))).observe(200), true);
  });

  it('does not find one slow that is always so', () => {
    assert.equal(after(repeat(1000, () => 800)).observe(820), false);
  });

  it('gets used to what lasts, and forgets it again', () => {
    const usual = after([...repeat(2000, () => 20), ...repeat(200, () => 2000)]);
    assert.equal(usual.observe(2000), false);
    for (const duration of repeat(8000, () => 20)) usual.observe(duration);
    assert.equal(usual.observe(2000), true);
  });

  it('lies within a fifth of the 99 % of what it has seen', () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 30_000, noNaN: true }), {
      minLength: 500,
      maxLength: 1500,
    });
    fc.assert(
      fc.property(durations, (seen) => {
        const usual = after(seen);
        // The limit may be older than the last 31.
        const known = seen.slice(0, 32 + Math.floor((seen.length - 32) / 32) * 32).sort((a, b) => a - b);
        const exact = Math.max(10, known[known.length - 1 - Math.floor(known.length * 0.01)]!);
        assert.ok(usual.limitMs >= exact * 0.999 && usual.limitMs <= exact * 2 ** 0.25 * 1.001);
      }),
      { numRuns: 50 },
    );
  });
});
