import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatTraceparent,
  parseTraceparent,
  readTraceContext,
  spanIdOf,
  TRACE_BYTES,
  type TraceContext,
  traceIdOf,
} from './trace-context.ts';

const example = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const word = fc.integer({ min: 0, max: 0xffffffff });
const contexts: fc.Arbitrary<TraceContext> = fc
  .record(
    {
      ...{ trace0: word, trace1: word, trace2: word, trace3: word, span0: word, span1: word },
      flags: fc.integer({ min: 0, max: 255 }),
    },
    { noNullPrototype: true },
  )
  .filter((context) => !/^0+$/.test(traceIdOf(context)) && !/^0+$/.test(spanIdOf(context)));

describe('trace context', () => {
  it('survives its text form', () => {
    fc.assert(
      fc.property(contexts, (context) => {
        assert.deepEqual(parseTraceparent(formatTraceparent(context)), context);
      }),
    );
  });

  it('is read from the bytes of the wire', () => {
    fc.assert(
      fc.property(contexts, fc.integer({ min: 0, max: 9 }), (context, at) => {
        const bytes = Buffer.alloc(TRACE_BYTES + at);
        bytes.write(traceIdOf(context) + spanIdOf(context), at, 'hex');
        bytes[at + TRACE_BYTES - 1] = context.flags;
        assert.deepEqual(readTraceContext(bytes, at), context);
      }),
    );
  });

  it('names its ids as hexadecimal digits', () => {
    const context = parseTraceparent(example)!;
    assert.equal(traceIdOf(context), '0af7651916cd43dd8448eb211c80319c');
    assert.equal(spanIdOf(context), 'b7ad6b7169203331');
    assert.equal(context.flags, 1);
  });

  it('accepts a later version with more behind the flags', () => {
    const later = example.replace('00-', 'cc-');
    assert.deepEqual(parseTraceparent(later), parseTraceparent(example));
    assert.deepEqual(parseTraceparent(`${later}-what-the-future-brings`), parseTraceparent(example));
  });

  for (const [what, text] of [
    ['the version ff', example.replace('00-', 'ff-')],
    ['a version 00 with more behind it', `${example}-00`],
    ['a later version with more behind it and no dash', `${example.replace('00-', 'cc-')}.more`],
    ['upper case', example.toUpperCase()],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['an all-zero span id', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`],
    ['a character outside ASCII', example.replace('b7ad', 'b7ä0')],
    ['a missing dash', example.replace('-b7', '0b7')],
    ['another length', `${example}0`],
    ['white space', ` ${example}`],
    ['nothing', ''],
    ['no header at all', undefined],
  ] as const) {
    it(`refuses ${what}`, () => assert.equal(parseTraceparent(text), undefined));
  }

  it('refuses bytes with an all-zero id', () => {
    const bytes = Buffer.alloc(TRACE_BYTES);
    assert.equal(readTraceContext(bytes, 0), undefined);
    bytes[3] = 1;
    assert.equal(readTraceContext(bytes, 0), undefined);
    bytes[23] = 1;
    assert.equal(readTraceContext(bytes, 0)?.trace0, 1);
  });
});
