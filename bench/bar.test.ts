import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type Measurement } from './bar.ts';

const rounds = (values: number[], rest: Partial<Measurement> = {}): Measurement[] =>
  values.map((value) => ({ scenario: 's', what: 'w', unit: 'ms', value, ...rest }));

test('the median of the rounds is what must hold', () => {
  const [row] = judge(rounds([5, 100, 7], { most: 10 }));
  assert.deepEqual([row?.value, row?.least, row?.worst, row?.holds], [7, 5, 100, true]);
  assert.equal(judge(rounds([5, 100, 70], { most: 10 }))[0]?.holds, false);
});

test('of what must never happen the worst round counts', () => {
  const never = { most: 0, counts: 'worst' as const };
  assert.equal(judge(rounds([0, 0, 0], never))[0]?.holds, true);
  assert.equal(judge(rounds([0, 1, 0], never))[0]?.holds, false);
});

test('what could not be measured does not hold, and what is only told neither holds nor fails', () => {
  assert.equal(judge(rounds([Number.NaN], { most: 10 }))[0]?.holds, false);
  assert.equal(judge(rounds([1, Number.NaN], { most: 10, counts: 'worst' }))[0]?.holds, false);
  assert.equal(judge(rounds([5]))[0]?.holds, undefined);
});

test('different things are judged apart', () => {
  const rows = judge([...rounds([1]), ...rounds([2], { what: 'other' }), ...rounds([3])]);
  assert.deepEqual(
    rows.map(({ what, worst }) => [what, worst]),
    [
      ['w', 3],
      ['other', 2],
    ],
  );
});
