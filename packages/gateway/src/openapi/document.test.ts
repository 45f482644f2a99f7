import assert from 'node:assert/strict';
import { describe as group, it } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { contract, describe, operation, silentLogger } from 'flotilla';
import { z } from 'zod';
import { parseGatewayConfig } from '../config.ts';
import { startGateway } from '../gateway.ts';
import { FakeUpstream } from '../testing/fake-upstream.ts';
import { send } from '../testing/http-client.ts';
import { shop } from '../testing/shop.ts';

type Json = Record<string, unknown>;

const Tree = z.object({
  name: z.string(),
  get children(): z.ZodArray<typeof Tree> {
    return z.array(Tree);
  },
});
const forest = describe(
  contract('forest', {
    plant: operation({ input: Tree, output: Tree, access: 'public', http: 'POST /trees' }),
    either: operation({
      input: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
      access: 'public',
      http: 'POST /either',
    }),
  }),
);

async function documentOf(...contracts: (typeof shop)[]): Promise<Json> {
  const gateway = await startGateway({
    upstream: new FakeUpstream(contracts),
    config: parseGatewayConfig({}),
    log: silentLogger,
    port: 0,
  });
  const answer = await send(gateway.port, '/openapi.json');
  await gateway.close();
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  return answer.json();
}

function within(value: unknown, ...path: string[]): unknown {
  return path.reduce((at, key) => (at as Json | undefined)?.[key], value);
}

group('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1, also with recursive schemas and unions, and without any route', async () => {
    for (const contracts of [[shop, forest], []]) {
      const document = await documentOf(...contracts);
      const validator = new Validator();
      const result = await validator.validate(document);
      assert.deepEqual(result.errors ?? [], []);
      assert.equal(result.valid, true);
      assert.equal(validator.version, '3.1');
    }
  });

  it('has only references that lead somewhere', async () => {
    const document = await documentOf(shop, forest);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to!);
    assert.ok(references.length > 10);
    for (const reference of references) {
      assert.ok(within(document, ...reference.slice(2).split('/')), reference);
    }
  });

  it('tells parameters, body, answers, errors and security of a route', async () => {
    const document = await documentOf(shop);
    const book = within(document, 'paths', '/v1/markets/{symbol}/book', 'get') as Json;
    assert.deepEqual(
      (book.parameters as Json[]).map(({ name, in: place, required }) => [name, place, required]),
      [
        ['symbol', 'path', true],
        ['depth', 'query', false],
        ['flat', 'query', false],
      ],
    );
    assert.deepEqual(book.security, []);
    const place = within(document, 'paths', '/v1/orders', 'post') as Json;
    assert.equal(place.operationId, 'shop.place');
    assert.deepEqual(place.security, [{ bearer: ['order:write'] }]);
    assert.deepEqual(Object.keys(place.responses as object), [
      '200',
      '201',
      '400',
      '401',
      '403',
      '409',
      '422',
      'default',
    ]);
    const amend = within(document, 'paths', '/v1/orders/{id}', 'put');
    const schema = within(amend, 'requestBody', 'content', 'application/json', 'schema') as Json;
    assert.deepEqual(Object.keys(schema.properties as Json), ['symbol', 'price', 'tags']);
    assert.deepEqual(schema.required, ['symbol', 'price']);
  });

  it('shows a stream as events of its items, and nothing of internal operations', async () => {
    const document = await documentOf(shop);
    const content = within(
      document,
      'paths',
      '/v1/markets/{symbol}/stream',
      'get',
      'responses',
      '200',
      'content',
    );
    assert.deepEqual(Object.keys(content as Json), ['text/event-stream']);
    assert.ok(!JSON.stringify(document).includes('shop.keys'));
  });
});
