import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import type { HttpBindingDocument, JsonSchema } from './document.ts';
import { bindHttp, pathFields } from './http-binding.ts';
import type { HttpBinding, HttpRoute } from './operation.ts';
import { jsonSchemaOf, type Schema } from './schema.ts';

const json = (schema: Schema): JsonSchema => jsonSchemaOf(schema, 'input', 'input');
const order = json(z.object({ id: z.string(), symbol: z.string(), note: z.string().optional() }));
const item = json(z.object({ sequence: z.number(), kind: z.string() }));

/** Binds without the compile-time checks, as for a contract written in JavaScript. */
function bind(
  binding: string | (Omit<HttpBinding, 'route'> & { route: string }),
  input = order,
  of?: JsonSchema,
) {
  return bindHttp('orders.place', binding as HttpRoute | HttpBinding, input, of);
}

const refused = (pattern: RegExp) => ({ code: 'invalid_argument', message: pattern });

describe('an HTTP binding', () => {
  it('takes from the query what a GET or DELETE does not take from the path', () => {
    for (const method of ['GET', 'DELETE']) {
      assert.deepEqual(bind(`${method} /v1/orders/{id}`), {
        method,
        path: '/v1/orders/{id}',
        status: 200,
        replayStatus: 200,
        query: ['symbol', 'note'],
        headers: {},
        body: { kind: 'none' },
      } as HttpBindingDocument);
    }
  });

  it('takes from the body what a POST, PUT or PATCH does not take from elsewhere', () => {
    for (const method of ['POST', 'PUT', 'PATCH']) {
      const bound = bind({
        route: `${method} /v1/orders/{id}`,
        query: ['note'],
        status: 201,
        replayStatus: 200,
      });
      assert.deepEqual(bound.body, { kind: 'rest' });
      assert.deepEqual([bound.query, bound.status, bound.replayStatus], [['note'], 201, 200]);
    }
  });

  it('has no body when nothing is left for it', () => {
    const bound = bind({ route: 'POST /v1/orders/{id}/{symbol}', headers: { note: 'X-Note' } });
    assert.deepEqual([bound.body, bound.headers], [{ kind: 'none' }, { note: 'x-note' }]);
    assert.deepEqual(bind('POST /v1/orders', json(z.object({}))).body, { kind: 'none' });
  });

  it('can take one field as the whole body', () => {
    assert.deepEqual(bind({ route: 'POST /v1/notes/{id}', body: 'note' }).body, {
      kind: 'field',
      field: 'note',
    });
  });

  it('keeps a replay status beside a status that was given alone', () => {
    assert.equal(bind({ route: 'POST /v1/orders', status: 202 }).replayStatus, 202);
  });

  it('keeps the field that resumes a stream out of the query, unless it is asked for there too', () => {
    const watch = json(z.object({ symbol: z.string(), after: z.number().optional() }));
    const sse = { id: 'sequence', event: 'kind', resume: 'after' };
    const bound = bind({ route: 'GET /v1/{symbol}', sse }, watch, item);
    assert.deepEqual([bound.query, bound.sse], [[], sse]);
    assert.deepEqual(bind({ route: 'GET /v1/{symbol}', sse, query: ['after'] }, watch, item).query, [
      'after',
    ]);
  });

  it('knows the fields of unions, intersections and shared definitions', () => {
    const Id = z.object({ id: z.string() }).meta({ id: 'WithId' });
    const either = z.union([Id, z.object({ id: z.string(), key: z.string() })]);
    assert.deepEqual(bind('GET /v1/{id}', json(either)).query, ['key']);
    assert.deepEqual(bind('GET /v1/{id}', json(z.intersection(Id, z.object({ key: z.string() })))).query, [
      'key',
    ]);
    assert.throws(() => bind('GET /v1/{name}', json(either)), refused(/names 'name'/));
  });

  it('leaves fields unchecked where the schema does not name them', () => {
    for (const input of [{}, json(z.looseObject({})), json(z.record(z.string(), z.string()))]) {
      const bound = bind({ route: 'GET /v1/{anything}', query: ['more'] }, input);
      assert.deepEqual([bound.query, bound.body], [['more'], { kind: 'none' }]);
      assert.deepEqual(bind('POST /v1/{anything}', input).body, { kind: 'rest' });
    }
  });

  it('refuses a route of the wrong form', () => {
    const wrong = [
      '',
      'GET',
      '/v1',
      'get /v1',
      'FETCH /v1',
      'GET v1',
      'GET  /v1',
      'GET /v1/',
      'GET //v1',
      'GET /v1//x',
    ];
    const never = [
      'GET /v1/.',
      'GET /../v1',
      'GET /v1?x=1',
      'GET /v1#x',
      'GET /a%20b',
      'GET /v1/{id',
      'GET /v1/x{id}',
    ];
    for (const route of [...wrong, ...never, 'GET /v1/{}', 'GET /v1/{1d}', 'GET /v1/*', 'GET /v1\n']) {
      assert.throws(
        () => bind(route),
        refused(/^orders\.place: HTTP binding '[\s\S]*' is not 'METHOD \/path'/),
        route,
      );
    }
    for (const route of ['GET /', 'GET /v1.1/~x/a_b-c']) assert.ok(bind(route));
  });

  it('refuses fields that do not exist, wherever they are named', () => {
    const missing = refused(/'POST \/v1.*' names 'nope', which the input does not have/);
    assert.throws(() => bind('POST /v1/{nope}'), missing);
    assert.throws(() => bind({ route: 'POST /v1', query: ['nope'] }), missing);
    assert.throws(() => bind({ route: 'POST /v1', headers: { nope: 'x' } }), missing);
    assert.throws(() => bind({ route: 'POST /v1', body: 'nope' }), missing);
    assert.throws(() => bind({ route: 'POST /v1', sse: { resume: 'nope' } }, order, item), missing);
    for (const sse of [{ id: 'nope' }, { event: 'nope' }]) {
      const problem = refused(/names 'nope', which the item does not have/);
      assert.throws(() => bind({ route: 'GET /v1', sse }, order, item), problem);
      assert.throws(() => bind({ route: 'GET /v1', sse }, order, { type: 'string' }), problem);
    }
  });

  it('refuses to take a field from two places', () => {
    assert.throws(() => bind('GET /v1/{id}/x/{id}'), refused(/takes 'id' from two places/));
    assert.throws(
      () => bind({ route: 'GET /v1/{id}', query: ['id'] }),
      refused(/takes 'id' from two places/),
    );
    const twice = { query: ['note'], headers: { note: 'x-note' } };
    assert.throws(() => bind({ route: 'POST /v1', ...twice }), refused(/takes 'note' from two places/));
    assert.throws(() => bind({ route: 'PUT /v1/{id}', body: 'id' }), refused(/takes 'id' from two places/));
  });

  it('refuses what HTTP does not carry', () => {
    assert.throws(
      () => bind({ route: 'GET /v1', body: 'note' }),
      refused(/has a body, which GET does not carry/),
    );
    assert.throws(() => bind({ route: 'DELETE /v1', body: 'note' }), refused(/which DELETE does not carry/));
    assert.throws(() => bind({ route: 'GET /v1', sse: {} }), refused(/`sse` but the output is not a stream/));
    assert.throws(
      () => bind({ route: 'POST /v1', headers: { note: 'x note' } }),
      refused(/not a header name/),
    );
    for (const status of [0, 99, 199, 300, 404, 200.5, Number.NaN]) {
      assert.throws(() => bind({ route: 'POST /v1', status }), refused(/has status .* between 200 and 299/));
      assert.throws(() => bind({ route: 'POST /v1', replayStatus: status }), refused(/has replayStatus/));
    }
  });

  it('refuses an input that is not an object', () => {
    for (const input of [z.string(), z.array(z.string()), z.null(), z.union([z.string(), z.number()])]) {
      assert.throws(() => bind('POST /v1', json(input)), refused(/needs an input that is an object/));
    }
  });
});

describe('pathFields', () => {
  it('lists the fields of a path in order', () => {
    assert.deepEqual(pathFields('/v1/{a}/x/{b_2}'), ['a', 'b_2']);
    assert.deepEqual(pathFields('/'), []);
  });
});
