import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromWireText, toWireText } from './wire-text.ts';

test('any text survives the way to the wire and back, and its wire length is its length in bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const wire = toWireText(text);
      assert.equal(wire.length, Buffer.byteLength(text));
      assert.equal(fromWireText(wire), text);
    }),
  );
});
