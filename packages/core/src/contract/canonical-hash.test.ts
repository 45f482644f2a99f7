import assert from 'node:assert/strict';
import { describe as group, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { canonicalHash } from './canonical-hash.ts';
import { type Contract, contract, describe } from './contract.ts';
import type { JsonSchema } from './document.ts';
import { event } from './event.ts';
import { failure, operation } from './operation.ts';
import { stream } from './schema.ts';

const hash = (value: Contract) => describe(value).hash;
/** The hash of a contract with one operation that has this input. */
const hashOfInput = (input: JsonSchema) =>
  canonicalHash({
    service: 's',
    operations: {
      op: { input, output: {}, stream: false, errors: {}, idempotent: false, access: { kind: 'internal' } },
    },
    events: {},
  });

/** A field name; those that are also keywords are as likely as all others together. */
const name = fc.oneof(
  fc.constantFrom(
    'title',
    'description',
    'default',
    'required',
    'enum',
    'properties',
    '$ref',
    'examples',
    '__proto__',
  ),
  fc.string({ minLength: 1, maxLength: 4 }),
);
const documentation = fc.record(
  {
    title: fc.string(),
    description: fc.string(),
    examples: fc.array(fc.jsonValue()),
    deprecated: fc.boolean(),
    $comment: fc.string(),
  },
  { requiredKeys: [] },
);

const { schema } = fc.letrec<{ schema: JsonSchema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.record(
      { type: fc.constantFrom('string', 'integer', 'boolean', 'null'), default: fc.jsonValue() },
      { requiredKeys: ['type'] },
    ),
    fc.record({ enum: fc.uniqueArray(fc.jsonValue(), { minLength: 1, maxLength: 4, comparator: sameJson }) }),
    fc.record({ const: fc.jsonValue() }),
    fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(3) }),
    fc.record({
      type: fc.constant('array'),
      prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.dictionary(name, tie('schema'), { maxKeys: 4, noNullPrototype: true }).chain((properties) =>
      fc.record({
        type: fc.constant('object'),
        properties: fc.constant(properties),
        required: fc.subarray(Object.keys(properties)),
      }),
    ),
  ),
}));

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The same schema written differently: members shuffled, sets shuffled, documentation added. */
function rewritten(value: unknown, random: () => number, docs: () => object, where = 'schema'): unknown {
  const shuffle = <T>(items: T[]): T[] =>
    items
      .map((item) => [random(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  if (Array.isArray(value)) {
    const items = value.map((item) =>
      rewritten(item, random, docs, where === 'set of data' ? 'data' : where),
    );
    return where === 'set of data' ? shuffle(items) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = shuffle(Object.entries(value)).map(([key, member]): [string, unknown] => {
    if (where === 'data') return [key, rewritten(member, random, docs, 'data')];
    if (where === 'names') return [key, rewritten(member, random, docs, 'schema')];
    if (key === 'properties') return [key, rewritten(member, random, docs, 'names')];
    if (key === 'required' || key === 'enum') return [key, rewritten(member, random, docs, 'set of data')];
    if (key === 'anyOf') return [key, shuffle(rewritten(member, random, docs, 'schema') as unknown[])];
    if (key === 'const' || key === 'default') return [key, rewritten(member, random, docs, 'data')];
    return [key, rewritten(member, random, docs, 'schema')];
  });
  return Object.fromEntries(where === 'schema' ? shuffle([...members, ...Object.entries(docs())]) : members);
}

const full = () => ({
  hold: operation({
    summary: 'Reserve',
    description: 'Reserves',
    input: z.object({ account: z.string(), side: z.enum(['buy', 'sell']), note: z.string().optional() }),
    output: z.object({ hold: z.string() }),
    errors: { closed: z.object({ at: z.string() }), busy: failure({ status: 409, data: z.object({}) }) },
    idempotent: true,
    access: ['a:read', 'a:write'],
    http: { route: 'POST /v1/{account}/holds', query: ['side', 'note'], status: 201, headers: {} },
  }),
  posted: event({
    summary: 'It was posted',
    payload: z.object({ account: z.string(), n: z.int() }),
    key: 'account',
  }),
});

group('the hash of a contract', () => {
  it('stays what it is from release to release', () => {
    assert.equal(hash(contract('ledger', full())), 'e9bcd37b9c118109');
  });

  it('never changes by order or documentation', () => {
    fc.assert(
      fc.property(
        schema,
        fc.infiniteStream(documentation),
        fc.infiniteStream(fc.nat()),
        (input, docs, numbers) => {
          const other = rewritten(
            input,
            () => numbers.next().value ?? 0,
            () => docs.next().value ?? {},
          );
          assert.equal(hashOfInput(other as JsonSchema), hashOfInput(input));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('differs for schemas that differ in anything else', () => {
    // These schemas have neither documentation nor sets, so they are the same only where their sorted JSON is.
    const leaf = fc.record({
      type: fc.constantFrom('string', 'integer'),
      minLength: fc.nat(2),
      const: fc.jsonValue(),
    });
    const object = fc.dictionary(name, leaf, { maxKeys: 3, noNullPrototype: true }).map((properties) => ({
      properties: Object.fromEntries(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))),
    }));
    fc.assert(
      fc.property(object, object, (a, b) => {
        fc.pre(!sameJson(sorted(a), sorted(b)));
        assert.notEqual(hashOfInput(a), hashOfInput(b));
      }),
      { numRuns: 300 },
    );
  });

  it('does not change by the order of members, errors, scopes and query fields, or by any text', () => {
    const { hold, posted } = full();
    const rearranged = contract(
      'ledger',
      {
        posted: event({ ...posted.spec, payload: posted.payload, key: 'account', summary: 'Other' }),
        hold: operation({
          input: z.object({
            note: z.string().optional().describe('Anything'),
            side: z.enum(['sell', 'buy']).meta({ title: 'Side', examples: ['buy'] }),
            account: z.string().meta({ id: 'Account', description: 'Who', deprecated: true }),
          }),
          output: hold.output,
          errors: {
            busy: failure({ status: 409, data: z.object({}), summary: 'Too much to do' }),
            closed: hold.errors.closed,
          },
          idempotent: true,
          access: ['a:write', 'a:read'],
          http: {
            route: 'POST /v1/{account}/holds',
            query: ['note', 'side'],
            status: 201,
            replayStatus: 201,
          },
        }),
      },
      { summary: 'Books' },
    );
    assert.equal(hash(rearranged), hash(contract('ledger', full())));
  });

  it('changes by everything that a caller can notice', () => {
    const input = z.object({ a: z.string(), b: z.string().optional() });
    const base = { input, output: z.object({ c: z.string() }), errors: { late: z.object({}) } };
    const http = 'GET /v1/x/{a}';
    const changes: Record<string, Contract> = {
      base: contract('s', { op: operation(base) }),
      'service name': contract('t', { op: operation(base) }),
      'operation name': contract('s', { oq: operation(base) }),
      'another operation': contract('s', { op: operation(base), oq: operation() }),
      'input type': contract('s', { op: operation({ ...base, input: input.extend({ a: z.int() }) }) }),
      'input field': contract('s', {
        op: operation({ ...base, input: input.extend({ d: z.int().optional() }) }),
      }),
      'input required': contract('s', { op: operation({ ...base, input: input.required() }) }),
      'input default': contract('s', {
        op: operation({ ...base, input: input.extend({ b: z.string().default('') }) }),
      }),
      'input pattern': contract('s', {
        op: operation({ ...base, input: input.extend({ a: z.string().regex(/x/) }) }),
      }),
      output: contract('s', { op: operation({ ...base, output: z.object({ c: z.int() }) }) }),
      'output nullable': contract('s', { op: operation({ ...base, output: base.output.nullable() }) }),
      stream: contract('s', { op: operation({ ...base, output: stream(base.output) }) }),
      'no errors': contract('s', { op: operation({ ...base, errors: {} }) }),
      'error code': contract('s', { op: operation({ ...base, errors: { early: z.object({}) } }) }),
      'error data': contract('s', {
        op: operation({ ...base, errors: { late: z.object({ by: z.int() }) } }),
      }),
      'error status': contract('s', {
        op: operation({ ...base, errors: { late: failure({ status: 410, data: z.object({}) }) } }),
      }),
      idempotent: contract('s', { op: operation({ ...base, idempotent: true }) }),
      'high priority': contract('s', { op: operation({ ...base, priority: 'high' }) }),
      'background priority': contract('s', { op: operation({ ...base, priority: 'background' }) }),
      key: contract('s', { op: operation({ ...base, key: 'a' }) }),
      'another key': contract('s', { op: operation({ ...base, key: 'b' }) }),
      public: contract('s', { op: operation({ ...base, access: 'public' }) }),
      scope: contract('s', { op: operation({ ...base, access: 'a:b' }) }),
      'another scope': contract('s', { op: operation({ ...base, access: ['a:b', 'a:c'] }) }),
      http: contract('s', { op: operation({ ...base, http }) }),
      'http path': contract('s', { op: operation({ ...base, http: 'GET /v1/y/{a}' }) }),
      'http method': contract('s', { op: operation({ ...base, http: 'POST /v1/x/{a}' }) }),
      'http status': contract('s', { op: operation({ ...base, http: { route: http, status: 202 } }) }),
      'http replay': contract('s', { op: operation({ ...base, http: { route: http, replayStatus: 202 } }) }),
      'http query': contract('s', { op: operation({ ...base, http: { route: http, query: [] } }) }),
      'http header': contract('s', {
        op: operation({ ...base, http: { route: http, headers: { b: 'x-b' } } }),
      }),
      event: contract('s', { op: operation(base), happened: event({ payload: input }) }),
      'event key': contract('s', { op: operation(base), happened: event({ payload: input, key: 'a' }) }),
      'event payload': contract('s', { op: operation(base), happened: event({ payload: base.output }) }),
    };
    const byHash = new Map<string, string>();
    for (const [what, changed] of Object.entries(changes)) {
      const same = byHash.get(hash(changed));
      assert.equal(same, undefined, `'${what}' has the hash of '${same}'`);
      byHash.set(hash(changed), what);
    }
  });

  it('counts fields that are called like keywords', () => {
    const keywords = [
      'title',
      'description',
      'default',
      'examples',
      'summary',
      '$comment',
      '$defs',
      '$ref',
      'enum',
    ];
    const hashes = new Set<string>([hashOfInput({ type: 'object', properties: {} })]);
    for (const keyword of keywords) {
      hashes.add(hashOfInput({ type: 'object', properties: { [keyword]: { type: 'string' } } }));
      hashes.add(hashOfInput({ type: 'object', properties: { [keyword]: { type: 'integer' } } }));
      hashes.add(hashOfInput({ type: 'object', properties: {}, dependentRequired: { [keyword]: ['a'] } }));
    }
    assert.equal(hashes.size, 1 + 3 * keywords.length);
    // What looks like documentation inside of data is data.
    assert.notEqual(hashOfInput({ const: { title: 'a' } }), hashOfInput({ const: { title: 'b' } }));
    assert.notEqual(hashOfInput({ enum: [{ title: 'a' }] }), hashOfInput({ enum: [{ title: 'b' }] }));
    assert.notEqual(hashOfInput({ default: { description: 'a' } }), hashOfInput({ default: {} }));
    assert.notEqual(
      hashOfInput({ prefixItems: [{}, { type: 'null' }] }),
      hashOfInput({ prefixItems: [{ type: 'null' }, {}] }),
    );
  });

  it('does not depend on how a definition is shared or what it is called', () => {
    const amount = { type: 'string', pattern: '^[0-9]+$' };
    const inline = { type: 'object', properties: { a: amount, b: amount } };
    const shared = (called: string) => ({
      type: 'object',
      properties: {
        a: { $ref: `#/$defs/${called}` },
        b: { $ref: `#/$defs/${called}`, description: 'The other' },
      },
      $defs: { [called.replaceAll('~1', '/')]: { ...amount, title: called }, Unused: { type: 'null' } },
    });
    assert.equal(hashOfInput(shared('Amount')), hashOfInput(inline));
    assert.equal(hashOfInput(shared('Money~1v1')), hashOfInput(inline));
    assert.notEqual(
      hashOfInput({ ...shared('Amount'), $defs: { Amount: { type: 'string' } } }),
      hashOfInput(inline),
    );
    const { properties } = shared('Amount');
    assert.notEqual(
      hashOfInput({
        ...shared('Amount'),
        properties: { ...properties, b: { ...properties.b, maxLength: 3 } },
      }),
      hashOfInput(inline),
    );
  });

  it('knows recursive types, whatever their definitions are called', () => {
    const tree = (called: string, leaf: string) => ({
      properties: { root: { $ref: `#/$defs/${called}` } },
      $defs: {
        [called]: {
          properties: {
            value: { type: leaf },
            children: { type: 'array', items: { $ref: `#/$defs/${called}` } },
          },
        },
      },
    });
    assert.equal(hashOfInput(tree('Tree', 'string')), hashOfInput(tree('Node', 'string')));
    assert.notEqual(hashOfInput(tree('Tree', 'string')), hashOfInput(tree('Tree', 'integer')));
    const Category = z.object({
      name: z.string(),
      get children() {
        return z.array(Category);
      },
    });
    assert.match(
      hash(contract('s', { op: operation({ input: Category, output: Category }) })),
      /^[0-9a-f]{16}$/,
    );
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, member]) => [key, sorted(member)])
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
}
