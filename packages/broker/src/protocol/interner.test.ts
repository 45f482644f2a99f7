import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SubjectInterner } from './interner.ts';

test('every subject comes back as it was, however many others share the table', () => {
  const interner = new SubjectInterner();
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 50 }), (subjects) => {
      for (const subject of [...subjects, ...subjects]) {
        const bytes = Buffer.from(subject);
        assert.equal(interner.intern(bytes, 0, bytes.length), bytes.toString('latin1'));
      }
    }),
  );
});
