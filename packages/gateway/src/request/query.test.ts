import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseQuery } from './query.ts';

const entries = (raw: string) => [...parseQuery(raw)];

describe('a query string', () => {
  it('is read as form encoding', () => {
    assert.deepEqual(entries('a=1&b=x+y&a=%2B&c&d=a=b&%C3%A9=%26'), [
      ['a', ['1', '+']],
      ['b', ['x y']],
      ['c', ['']],
      ['d', ['a=b']],
      ['é', ['&']],
    ]);
    assert.deepEqual(entries(''), []);
  });

  it('takes names for data, not for properties', () => {
    assert.deepEqual(entries('__proto__=1&constructor=2'), [
      ['__proto__', ['1']],
      ['constructor', ['2']],
    ]);
  });

  it('is refused when it is broken', () => {
    for (const raw of ['a=%', 'a=%zz', 'a=%ff', '%ff=a', 'a=%00', '&', 'a=1&', 'a=1&&b=2', '=1']) {
      assert.throws(() => parseQuery(raw), { code: 'invalid_argument' }, raw);
    }
  });

  it('reads whatever URLSearchParams writes', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            text.filter((name) => name !== ''),
            text,
          ),
          { minLength: 1 },
        ),
        (pairs) => {
          const read = [...parseQuery(new URLSearchParams(pairs).toString())].flatMap(([name, values]) =>
            values.map((value) => `${name}=${value}`),
          );
          assert.deepEqual(read.sort(), pairs.map(([name, value]) => `${name}=${value}`).sort());
        },
      ),
    );
  });
});
