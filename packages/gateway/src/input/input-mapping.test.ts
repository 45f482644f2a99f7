import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '../refusal.ts';
import { canonicalRequest } from '../request/canonical-request.ts';
import { shop } from '../testing/shop.ts';
import { compileInputMapping } from './input-mapping.ts';

interface Given {
  readonly parameters?: string[];
  readonly query?: string;
  readonly headers?: string[];
  readonly body?: string | Buffer;
}

function build(operation: string, { parameters = [], query = '', headers = [], body = '' }: Given): string {
  const document = shop.operations[operation]!;
  const request = canonicalRequest(
    { method: 'POST', target: `/x?${query}`, version: '1.1', rawHeaders: ['Host', 'a', ...headers] },
    { uriBytes: 10_000, headerCount: 100 },
  );
  const mapping = compileInputMapping(document, document.http!);
  return mapping.build(request, parameters, Buffer.from(body)).toString('utf8');
}

function refused(operation: string, given: Given): Refusal {
  try {
    build(operation, given);
  } catch (error) {
    assert.ok(error instanceof Refusal);
    return error;
  }
  throw new assert.AssertionError({ message: 'it was taken' });
}

describe('the input of an operation', () => {
  it('joins path, query, headers and body', () => {
    assert.equal(
      build('amend', { parameters: ['7'], query: 'note=hi', body: ' {"symbol":"A","price":"1"} ' }),
      '{"id":"7","note":"hi","symbol":"A","price":"1"}',
    );
    assert.equal(
      build('list', { query: 'status=open&status=filled&limit=1.5', headers: ['x-client-name', 'me'] }),
      '{"status":["open","filled"],"limit":1.5,"client":"me"}',
    );
    assert.equal(build('list', { query: 'status=open' }), '{"status":["open"]}');
    assert.equal(build('amend', { parameters: ['7'], body: '{}' }), '{"id":"7"}');
    assert.equal(build('ping', {}), '{}');
  });

  it('keeps the digits and the layout of the body', () => {
    const body = '{ "price": 1.10000000000000000001, "n": 123456789012345678901234567890 }';
    assert.equal(build('amend', { parameters: ['7'], body }), `{"id":"7",${body.slice(1, -1).trim()}}`);
  });

  it('takes a whole body for one field where the contract says so', () => {
    assert.equal(
      build('annotate', { parameters: ['7'], body: '[1,{"a":2}]' }),
      '{"id":"7","note":[1,{"a":2}]}',
    );
  });

  it('never lets the body speak for the path, the query or a header', () => {
    for (const body of [
      '{"id":"8"}',
      '{"\\u0069d":"8"}',
      '{"symbol":"A","id":"8"}',
      '{"note":"x"}',
      '{"id":"8","id":"9"}',
    ]) {
      const { errors } = refused('amend', { parameters: ['7'], body });
      assert.equal(errors[0]!.in, 'body');
      assert.match(errors[0]!.pointer!, /^\/(?:id|note)$/);
    }
    for (const body of ['1,"id":"8"', '1}', '{}{}', '"a" "b"', '']) {
      if (body !== '') refused('annotate', { parameters: ['7'], body });
    }
  });

  it('is, whatever the body, an object whose bound fields are those of the request', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.object().map((value) => JSON.stringify(value)),
        ),
        (body) => {
          let input: string;
          try {
            input = build('amend', { parameters: ['7'], query: 'note=hi', body });
          } catch (error) {
            assert.ok(error instanceof Refusal);
            return;
          }
          const value = JSON.parse(input) as Record<string, unknown>;
          assert.equal(value.id, '7');
          assert.equal(value.note, 'hi');
          const sent = (body === '' ? {} : JSON.parse(body)) as Record<string, unknown>;
          assert.deepEqual({ ...sent, id: '7', note: 'hi' }, value);
        },
      ),
    );
  });

  it('takes __proto__ for a name', () => {
    const input = build('amend', { parameters: ['7'], body: '{"__proto__":{"admin":true}}' });
    assert.equal(input, '{"id":"7","__proto__":{"admin":true}}');
    assert.equal((JSON.parse(input) as { admin?: boolean }).admin, undefined);
  });

  it('is refused where the body is no JSON, with the place', () => {
    const { errors } = refused('amend', { parameters: ['7'], body: '{"symbol":"A",\n  price: 1}' });
    assert.match(errors[0]!.detail, /line 2, column 3 \(offset 17\)$/);
    for (const body of ['[]', '"a"', 'null', '7']) {
      assert.equal(refused('amend', { parameters: ['7'], body }).message, 'the body must be a JSON object');
    }
    refused('amend', { parameters: ['7'], body: Buffer.from('{"a":"\xff"}', 'latin1') });
    refused('place', { body: Buffer.from('{"a":"\xff"}', 'latin1') });
    refused('place', { body: '\ufeff{}' });
  });

  it('is refused where a header does not fit into a field', () => {
    assert.deepEqual(refused('list', { headers: ['X-Client-Name', 'a', 'x-client-name', 'b'] }).errors, [
      { in: 'header', parameter: 'x-client-name', detail: 'sent more than once' },
    ]);
    refused('list', { headers: ['X-Client-Name', 'caf\xe9'] });
  });
});

describe('the media type of a body', () => {
  it('is JSON in UTF-8 and nothing else', async () => {
    const { requireJson } = await import('./json-body.ts');
    const type = (value: string) => () => requireJson(new Map([['content-type', value]]));
    for (const good of [
      'application/json',
      'Application/JSON; charset=utf-8',
      'application/json;charset="UTF-8"',
    ]) {
      assert.doesNotThrow(type(good));
    }
    for (const bad of [
      'text/plain',
      'application/json; charset=latin1',
      'application/jsonx',
      'application/json, text/plain',
      'application/x-www-form-urlencoded',
      '',
    ]) {
      assert.throws(type(bad), { code: 'unsupported_media_type' }, bad);
    }
    assert.throws(() => requireJson(new Map()), { code: 'unsupported_media_type' });
    const gzip = new Map([
      ['content-type', 'application/json'],
      ['content-encoding', 'gzip'],
    ]);
    assert.throws(() => requireJson(gzip), { code: 'unsupported_media_type' });
  });
});
