import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from './line-splitter.ts';

function split(bytes: Buffer, cuts: readonly number[], limit?: number): string[] {
  const splitter = new LineSplitter(limit);
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  const lines = bounds.slice(1).flatMap((end, index) => splitter.push(bytes.subarray(bounds[index], end)));
  return [...lines, ...splitter.end()];
}

describe('splitting a pipe into lines', () => {
  it('gives the same lines wherever the chunks were cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ' '));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.array(fc.nat(200)), (lines, at) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
        const cuts = at.map((cut) => Math.min(cut, bytes.length));
        assert.deepEqual(
          split(bytes, cuts),
          lines.map((each) => each.toWellFormed()),
        );
      }),
    );
  });

  it('keeps what the end of the pipe cut off', () => {
    assert.deepEqual(split(Buffer.from('one\r\ntwo'), [2]), ['one', 'two']);
  });

  it('bounds a line, and says how much it dropped', () => {
    assert.deepEqual(split(Buffer.from('abcdefgh\nij\n'), [3, 6], 4), [
      'abcd… (4 more characters dropped)',
      'ij',
    ]);
  });
});
