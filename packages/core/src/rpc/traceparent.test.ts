import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeTraceparent, encodeTraceparent, TRACE_BYTES } from './traceparent.ts';

const example = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('traceparent', () => {
  it('survives the wire', () => {
    const hex = (bytes: number) =>
      fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .filter((value) => value.some((byte) => byte !== 0))
        .map((value) => Buffer.from(value).toString('hex'));
    const flags = fc.integer({ min: 0, max: 255 }).map((value) => value.toString(16).padStart(2, '0'));
    fc.assert(
      fc.property(hex(16), hex(8), flags, (trace, span, flag) => {
        const text = `00-${trace}-${span}-${flag}`;
        const bytes = Buffer.alloc(TRACE_BYTES);
        assert.equal(encodeTraceparent(text, bytes), true);
        assert.equal(decodeTraceparent(bytes, 0), text);
      }),
    );
  });

  for (const [what, text] of [
    ['an unknown version', example.replace('00-', '01-')],
    ['upper case', example.toUpperCase()],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['an all-zero span id', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`],
    ['a character outside ASCII', example.replace('b7ad', 'b7ä0')],
    ['a missing dash', example.replace('-b7', '0b7')],
    ['another length', `${example}0`],
    ['nothing', ''],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.equal(encodeTraceparent(text, new Uint8Array(TRACE_BYTES)), false);
    });
  }
});
