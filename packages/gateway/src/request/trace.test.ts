import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestId, traceId, traceparent } from './trace.ts';

const fresh = (bytes: number) => 'f'.repeat(bytes * 2);
const trace = '0af7651916cd43dd8448eb211c80319c';

describe('a request id', () => {
  it('is the one given where that is harmless', () => {
    const id = (given: string | undefined) => requestId(given, () => 'fresh');
    for (const good of ['a', 'A-1_b.c:d/e+f=~', 'x'.repeat(128)]) assert.equal(id(good), good);
    for (const bad of [undefined, '', 'x'.repeat(129), 'a b', 'a"b', 'a\nb', 'é', '<a>', 'a,b']) {
      assert.equal(id(bad), 'fresh');
    }
  });
});

describe('a traceparent', () => {
  it('is the one given where it is valid, else a new one', () => {
    const valid = `00-${trace}-b7ad6b7169203331-00`;
    assert.equal(traceparent(valid, fresh), valid);
    assert.equal(traceId(valid), trace);
    const made = `00-${'f'.repeat(32)}-${'f'.repeat(16)}-01`;
    for (const bad of [
      undefined,
      '',
      valid.toUpperCase(),
      `01-${trace}-b7ad6b7169203331-00`,
      `00-${'0'.repeat(32)}-b7ad6b7169203331-00`,
      `00-${trace}-${'0'.repeat(16)}-00`,
      `${valid}-extra`,
    ]) {
      assert.equal(traceparent(bad, fresh), made);
    }
  });
});
