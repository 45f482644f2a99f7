import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Attributes } from './span-record.ts';
import { Tracer } from './tracer.ts';

/** The room for payloads of so many spans is the least there is, 16 KiB, so that it is soon used up. */
const CAPACITY = 32;

const size = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(95, 96, 97, 2047, 2048, 2049),
);
const character = fc.constantFrom('a', 'é', '語', '🛳');
const texts = fc.array(fc.tuple(size, character), { maxLength: 6 });

/** What a text is cut to: 2,048 characters of JavaScript's. */
const cut = (text: string) => (text.length > 2048 ? text.slice(0, 2048) : text);

describe('payloads', () => {
  it('are whole or gone, wherever they begin and however long they are', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 40, maxLength: 120 }), (spans) => {
        const tracer = new Tracer({ capacity: CAPACITY });
        const sent = spans.map((attributes) => {
          const span = tracer.start('a', 'internal', undefined);
          const expected: Record<string, string> = {};
          for (const [index, [length, one]] of attributes.entries()) {
            const text = one.repeat(Math.ceil(length / one.length));
            span.set(`key.${index}`, text);
            expected[`key.${index}`] = cut(text);
          }
          span.end();
          return expected;
        });
        let found = 0;
        for (const [sequence, expected] of sent.slice(-CAPACITY).entries()) {
          const record = tracer.read(sent.length - CAPACITY + sequence);
          const isBare = Object.keys(expected).length === 0;
          if (record) agree(record.attributes, expected, record.dropped ?? 0);
          else
            assert.ok(!isBare && found === 0, 'gone though it needs no room, or an older one is still there');
          if (record && !isBare) found++;
        }
        assert.ok(tracer.read(sent.length - 1), 'the last one is always there');
      }),
      { numRuns: 200 },
    );
  });
});

function agree(found: Attributes, expected: Readonly<Record<string, string>>, dropped: number): void {
  assert.equal(Object.keys(found).length + dropped, Object.keys(expected).length);
  for (const [key, value] of Object.entries(found)) assert.equal(value, expected[key]);
}
