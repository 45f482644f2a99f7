import assert from 'node:assert/strict';
import { describe as group, it } from 'node:test';
import { z } from 'zod';
import { contract, describe } from './contract.ts';
import { event } from './event.ts';
import { type Access, failure, type Operation, operation } from './operation.ts';
import { parse, type Schema, stream } from './schema.ts';

const refused = (pattern: RegExp) => ({ code: 'invalid_argument', message: pattern });
const described = (op: Operation) => describe(contract('s', { op })).operations.op!;

group('the document of a contract', () => {
  it('says everything a caller in another language needs', () => {
    const Orders = contract(
      'orders',
      {
        place: operation({
          summary: 'Place an order',
          description: 'At most once per client order id.',
          input: z.object({ symbol: z.string(), key: z.string() }),
          output: z.object({ id: z.string() }),
          errors: {
            market_closed: failure({
              status: 409,
              summary: 'Not now',
              data: z.object({ opens: z.string() }),
            }),
            too_small: z.object({}),
          },
          idempotent: true,
          priority: 'high',
          key: 'symbol',
          access: 'orders:write',
          http: {
            route: 'POST /v1/orders',
            status: 201,
            replayStatus: 200,
            headers: { key: 'Idempotency-Key' },
          },
        }),
        filled: event({ summary: 'An order was filled', payload: z.object({ id: z.string() }), key: 'id' }),
      },
      { summary: 'Takes orders' },
    );
    const { hash, ...document } = describe(Orders);
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.deepEqual(document, {
      service: 'orders',
      summary: 'Takes orders',
      operations: {
        place: {
          summary: 'Place an order',
          description: 'At most once per client order id.',
          input: {
            type: 'object',
            properties: { symbol: { type: 'string' }, key: { type: 'string' } },
            required: ['symbol', 'key'],
          },
          output: {
            type: 'object',
            properties: { id: { type: 'string' } },
            required: ['id'],
            additionalProperties: false,
          },
          stream: false,
          errors: {
            market_closed: {
              summary: 'Not now',
              status: 409,
              data: {
                type: 'object',
                properties: { opens: { type: 'string' } },
                required: ['opens'],
                additionalProperties: false,
              },
            },
            too_small: { status: 422, data: { type: 'object', properties: {}, additionalProperties: false } },
          },
          idempotent: true,
          priority: 'high',
          key: 'symbol',
          access: { kind: 'scopes', scopes: ['orders:write'] },
          http: {
            method: 'POST',
            path: '/v1/orders',
            status: 201,
            replayStatus: 200,
            query: [],
            headers: { key: 'idempotency-key' },
            body: { kind: 'rest' },
          },
        },
      },
      events: {
        filled: {
          summary: 'An order was filled',
          payload: {
            type: 'object',
            properties: { id: { type: 'string' } },
            required: ['id'],
            additionalProperties: false,
          },
          key: 'id',
        },
      },
    });
  });

  it('is plain JSON', () => {
    const document = describe(contract('s', { op: operation({ input: z.object({ a: z.string() }) }) }));
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document);
  });

  it('describes one item of a stream', () => {
    const watch = described(operation({ output: stream(z.object({ n: z.int() })) }));
    assert.equal(watch.stream, true);
    assert.deepEqual(Object.keys(watch.output.properties as object), ['n']);
  });

  it('fills in the defaults: no input, no output, no errors, not idempotent, of normal priority', () => {
    assert.deepEqual(described(operation()), {
      input: { type: 'object', properties: {}, additionalProperties: false },
      output: { type: 'null' },
      stream: false,
      errors: {},
      idempotent: false,
      access: { kind: 'internal' },
    });
    assert.deepEqual(described(operation({ priority: 'normal' })), described(operation()));
  });

  it('keeps operations internal until they are given a route, and then wants a user', () => {
    assert.deepEqual(described(operation()).access, { kind: 'internal' });
    assert.deepEqual(described(operation({ http: 'GET /v1' })).access, { kind: 'authenticated' });
    assert.deepEqual(described(operation({ http: 'GET /v1', access: 'public' })).access, { kind: 'public' });
    assert.deepEqual(described(operation({ access: ['a:b', 'c:d'] })).access, {
      kind: 'scopes',
      scopes: ['a:b', 'c:d'],
    });
  });

  it('accepts a Standard Schema that cannot describe itself', () => {
    const opaque: Schema<string> = {
      '~standard': { version: 1, vendor: 'by-hand', validate: (value) => ({ value: String(value) }) },
    };
    const op = described(operation({ input: opaque, output: opaque }));
    assert.deepEqual([op.input, op.output], [{}, {}]);
  });
});

group('a contract is refused', () => {
  it('when an internal operation has a route', () => {
    assert.throws(
      () => contract('s', { op: operation({ http: 'GET /v1', access: 'internal' }) }),
      refused(/^s\.op: an internal operation cannot have an HTTP binding; remove/),
    );
  });

  it('when its access names nothing that a user could have', () => {
    for (const access of ['everyone', '', ':read', 'orders:', 'a b:c', [], ['a:b', 'admin']]) {
      assert.throws(
        () => contract('s', { op: operation({ access: access as Access }) }),
        refused(
          /^s\.op: access .* is neither public, authenticated, internal nor scopes such as 'orders:read'/,
        ),
        String(access),
      );
    }
  });

  it('when a declared error looks like one of the platform, or is not lower_snake_case', () => {
    for (const code of ['not_found', 'internal', 'NotFound', 'not-found', '', '1st']) {
      assert.throws(
        () => contract('s', { op: operation({ errors: { [code]: z.object({}) } }) }),
        refused(/cannot be a declared error: use lower_snake_case/),
        code,
      );
    }
  });

  it('when the HTTP status of a declared error says success', () => {
    for (const status of [200, 302, 399, 600, 404.5]) {
      assert.throws(
        () => contract('s', { op: operation({ errors: { late: failure({ status, data: z.object({}) }) } }) }),
        refused(/^s\.op error late: HTTP status .* use 400 to 599/),
      );
    }
  });

  it('when two of its operations answer the same requests', () => {
    const input = z.object({ id: z.string(), key: z.string() });
    const two = (first: 'GET /v1/{id}' | 'GET /v1/all', second: 'GET /v1/{key}' | 'DELETE /v1/{id}') =>
      contract('s', { one: operation({ input, http: first }), two: operation({ input, http: second }) });
    assert.throws(
      () => two('GET /v1/{id}', 'GET /v1/{key}'),
      refused(/^s\.two: HTTP binding 'GET \/v1\/\{key\}' answers the same requests as s\.one/),
    );
    two('GET /v1/{id}', 'DELETE /v1/{id}');
    two('GET /v1/all', 'GET /v1/{key}');
  });

  it('when an event keeps order by a field that it does not have', () => {
    const spec = { payload: z.object({ id: z.string() }), key: 'account' } as {
      payload: Schema;
      key: string;
    };
    assert.throws(
      () => contract('s', { happened: event(spec) }),
      refused(/^s\.happened: the key 'account' is not a field of the payload/),
    );
  });

  it('when an operation is sharded by a field that its input does not have', () => {
    const spec = { input: z.object({ id: z.string() }), key: 'account' } as { input: Schema; key: string };
    assert.throws(
      () => contract('s', { op: operation(spec) }),
      refused(/^s\.op: the key 'account' is not a field of the input/),
    );
    contract('s', { op: operation({ input: z.looseObject({}) as Schema, key: 'account' }) });
  });

  it('when a priority is none', () => {
    assert.throws(
      () => contract('s', { op: operation({ priority: 'health' as 'high' }) }),
      refused(/^s\.op: priority 'health' is none of high, normal, background/),
    );
  });

  it('when its values cannot be JSON', () => {
    assert.throws(
      () => contract('s', { op: operation({ input: z.object({ at: z.date() }) }) }),
      refused(/^s\.op input: the schema has no JSON form/),
    );
  });
});

group('an operation', () => {
  it('without input takes an empty object and nothing else', async () => {
    assert.deepEqual(await parse(operation().input, {}), {});
    for (const value of [null, undefined, 'a', { a: 1 }, [1], []]) {
      await assert.rejects(parse(operation().input, value), {
        message: /takes no input: send an empty object/,
      });
    }
  });

  it('without output returns nothing, which is null on the wire', async () => {
    const { output } = operation();
    assert.equal(await parse(output, undefined), null);
    assert.equal(await parse(output, null), null);
    await assert.rejects(parse(output, 0), { message: /has no output: return nothing/ });
  });
});
