import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { covers, overlap, SubjectFilter } from './subject-filter.ts';

const token = fc.constantFrom('a', 'b', 'ab');
const subject = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const filter = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 3 }), fc.constantFrom('a', 'b', '*', '>'))
  .map(([tokens, last]) => [...tokens, last].join('.'));

/** The same rule as a regular expression. */
function naive(pattern: string): RegExp {
  const body = pattern
    .split('.')
    .map((part) => (part === '*' ? '[^.]+' : part === '>' ? '.+' : part))
    .join('\\.');
  return new RegExp(`^${body}$`);
}

const ALL = (() => {
  const tokens = ['a', 'b', 'ab'];
  let level = tokens;
  const all = [...level];
  for (let depth = 1; depth < 5; depth++) {
    level = level.flatMap((head) => tokens.map((tail) => `${head}.${tail}`));
    all.push(...level);
  }
  return all;
})();

test('a filter matches what its wildcards stand for', () => {
  fc.assert(
    fc.property(filter, subject, (pattern, literal) => {
      assert.equal(new SubjectFilter(pattern).matches(literal), naive(pattern).test(literal));
    }),
    { numRuns: 2_000 },
  );
});

test('every match begins with the prefix of the filter', () => {
  const cases = { 'a.b': 'a.b', 'a.*.b': 'a.', '>': '', 'a.>': 'a.', '*': '' };
  for (const [pattern, prefix] of Object.entries(cases)) {
    assert.equal(new SubjectFilter(pattern).prefix, prefix, pattern);
  }
});

test('two filters overlap when a subject matches both', () => {
  fc.assert(
    fc.property(filter, filter, (one, other) => {
      const both = ALL.some((literal) => naive(one).test(literal) && naive(other).test(literal));
      assert.equal(overlap(one, other), both, `${one} and ${other}`);
    }),
    { numRuns: 300 },
  );
});

test('a filter covers another when it matches all that the other matches', () => {
  fc.assert(
    fc.property(filter, filter, (whole, part) => {
      const all = ALL.filter((literal) => naive(part).test(literal)).every((literal) =>
        naive(whole).test(literal),
      );
      assert.equal(covers(whole, part), all, `${whole} covers ${part}`);
    }),
    { numRuns: 300 },
  );
});
