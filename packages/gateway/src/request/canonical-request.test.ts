import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '../refusal.ts';
import { canonicalRequest } from './canonical-request.ts';

const limits = { uriBytes: 100, headerCount: 10 };
const read = (rawHeaders: string[], more: { target?: string; version?: string; method?: string } = {}) =>
  canonicalRequest({ method: 'POST', target: '/', version: '1.1', rawHeaders, ...more }, limits);
const status = (
  rawHeaders: string[],
  more: { target?: string; version?: string; method?: string } = {},
): number | undefined => {
  try {
    read(rawHeaders, more);
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error.status ?? 400;
  }
  return undefined;
};

describe('a request head', () => {
  it('is read once into one form', () => {
    const request = read(['Host', 'Example.com:80', 'Content-Length', '12', 'Expect', '100-Continue'], {
      target: '/a?b',
    });
    assert.equal(request.host, 'example.com:80');
    assert.equal(request.bodyLength, 12);
    assert.equal(request.expectsContinue, true);
    assert.deepEqual([request.segments, request.query], [['a'], 'b']);
  });

  it('needs exactly one Host that is one', () => {
    assert.equal(status([]), 400);
    assert.equal(status(['Host', 'a', 'Host', 'a']), 400);
    for (const host of ['', 'a b', 'a/b', 'a@b', 'http://a', 'a:b', 'a:', '[::1', 'é', 'a,b', 'a#', 'a\\b']) {
      assert.equal(status(['Host', host]), 400, host);
    }
    for (const host of ['a', 'a.b-c_d:65535', '127.0.0.1', '[::1]:8080'])
      assert.equal(status(['Host', host]), undefined);
  });

  it('needs a body length that has one reading', () => {
    for (const length of ['010', '+1', '-1', '1,1', '1 1', '0x1', '', '1e3', '9'.repeat(16)]) {
      assert.equal(status(['Host', 'a', 'Content-Length', length]), 400, length);
    }
    assert.equal(status(['Host', 'a', 'Content-Length', '1', 'Content-Length', '1']), 400);
    assert.equal(status(['Host', 'a', 'Content-Length', '1', 'Transfer-Encoding', 'chunked']), 400);
    for (const coding of ['gzip, chunked', 'chunked, chunked', 'xchunked', 'identity', '', 'chunked;q=1']) {
      assert.equal(status(['Host', 'a', 'Transfer-Encoding', coding]), 400, coding);
    }
    assert.equal(status(['Host', 'a', 'Transfer-Encoding', 'chunked'], { version: '1.0' }), 400);
    assert.equal(read(['Host', 'a', 'Transfer-Encoding', 'Chunked']).bodyLength, -1);
    assert.equal(read(['Host', 'a']).bodyLength, 0);
  });

  it('of a method without a body has none', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
      assert.equal(status(['Host', 'a', 'Content-Length', '1'], { method }), 400);
      assert.equal(status(['Host', 'a', 'Transfer-Encoding', 'chunked'], { method }), 400);
      assert.equal(status(['Host', 'a', 'Content-Length', '0'], { method }), undefined);
    }
  });

  it('is refused with the status that says why', () => {
    assert.equal(status(['Host', 'a'], { target: `/${'a'.repeat(100)}` }), 414);
    assert.equal(status(['Host', 'a'], { version: '2.0' }), 505);
    assert.equal(status(['Host', 'a'], { version: '0.9' }), 505);
    assert.equal(status(['Host', 'a', 'Expect', '200-ok']), 417);
    assert.equal(status(['Host', 'a', ...Array.from({ length: 20 }, (_, at) => `x${at - (at % 2)}`)]), 431);
  });
});
