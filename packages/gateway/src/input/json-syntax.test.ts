import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findJsonFault } from './json-syntax.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const agrees = (text: string) =>
  assert.equal(findJsonFault(text) === undefined, isJson(text), JSON.stringify(text));

describe('a fault in JSON', () => {
  it('is found exactly where JSON.parse refuses the text', () => {
    const alphabet = fc.constantFrom(
      ...'{}[]:,"\\u0a1-+.eE truefalsn\n',
      'null',
      '"a"',
      '\t',
      '\u0001',
      'é',
      '\\ud800',
    );
    fc.assert(
      fc.property(fc.array(alphabet, { maxLength: 12 }), (parts) => agrees(parts.join(''))),
      { numRuns: 20_000 },
    );
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '}', ']', '"', 'x', '\\', '0', ' '),
        (json, at, insert) => {
          const middle = at % (json.length + 1);
          agrees(json.slice(0, middle) + insert + json.slice(middle));
          agrees(json.slice(0, middle));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('has a place and a reason', () => {
    const at = (text: string) => {
      const { offset, line, column, message } = findJsonFault(text)!;
      return [offset, line, column, message];
    };
    assert.deepEqual(at('{"a":x}'), [5, 1, 6, 'expected a value']);
    assert.deepEqual(at('{\n  "a": 1,\n}'), [12, 3, 1, 'expected a property name in double quotes']);
    assert.deepEqual(at('{"a" 1}'), [5, 1, 6, "expected ':'"]);
    assert.deepEqual(at('[1 2]'), [3, 1, 4, "expected ',' or ']'"]);
    assert.deepEqual(at('[1'), [2, 1, 3, "expected ',' or ']', but the text ends"]);
    assert.deepEqual(at('"a'), [2, 1, 3, 'a string has no end']);
    assert.deepEqual(at('1 2'), [2, 1, 3, 'expected the end of the text']);
    assert.deepEqual(at('["\\x"]'), [2, 1, 3, 'unknown escape']);
  });

  it('is found in text that nests deeply', () => {
    assert.equal(findJsonFault('['.repeat(500_000))!.offset, 500_000);
  });
});
