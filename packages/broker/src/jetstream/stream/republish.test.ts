import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subjectMapping } from './republish.ts';

test('a destination is made of what stood for the wildcards of the source', () => {
  const cases: [string, string, string, string | undefined][] = [
    ['>', 'copy.>', 'a.b', 'copy.a.b'],
    ['', 'copy.>', 'a.b', 'copy.a.b'],
    ['a.*', 'copy.$1', 'a.b', 'copy.b'],
    ['a.*.*', 'copy.{{wildcard(2)}}.{{Wildcard(1)}}', 'a.b.c', 'copy.c.b'],
    ['a.*.>', 'copy.$1.>', 'a.b.c.d', 'copy.b.c.d'],
    ['a.*', 'copy.all', 'a.b', 'copy.all'],
    ['a.b.*', 'copy.$1', 'a.c.d', undefined],
  ];
  for (const [src, dest, subject, expected] of cases) {
    assert.equal(subjectMapping({ src, dest }, ['a.>'])(subject), expected, `${src} → ${dest}`);
  }
});

test('a destination that comes back to the stream, or cannot be made, is refused', () => {
  const cases: [string, string, RegExp][] = [
    ['>', 'a.copy.>', /forms a cycle/],
    ['a.*', '$1.y', /forms a cycle/],
    ['x.*', 'copy.$1', /not valid subset/],
    ['a.*', 'copy.$2', /not valid/],
    ['a.*', 'copy.>', /not valid/],
    ['a.*', 'copy.*', /not valid/],
    ['a.*', '', /not valid/],
  ];
  for (const [src, dest, message] of cases) {
    assert.throws(() => subjectMapping({ src, dest }, ['a.>']), { message }, `${src} → ${dest}`);
  }
});
