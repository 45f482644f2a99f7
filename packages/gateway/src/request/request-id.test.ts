import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestId } from './request-id.ts';

describe('a request id', () => {
  it('is the one given where that is harmless', () => {
    const id = (given: string | undefined) => requestId(given, () => 'fresh');
    for (const good of ['a', 'A-1_b.c:d/e+f=~', 'x'.repeat(128)]) assert.equal(id(good), good);
    for (const bad of [undefined, '', 'x'.repeat(129), 'a b', 'a"b', 'a\nb', 'é', '<a>', 'a,b']) {
      assert.equal(id(bad), 'fresh');
    }
  });
});
