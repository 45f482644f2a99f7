import assert from 'node:assert/strict';
import { describe as group, it } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import type { JsonSchema } from './document.ts';
import { type Direction, findExcluded } from './schema-inclusion.ts';

const json = (schema: z.ZodType, io: Direction) => z.toJSONSchema(schema, { io }) as JsonSchema;
/** What of an input the server does not accept. */
const refused = (sent: z.ZodType, read: z.ZodType) =>
  findExcluded(json(sent, 'input'), json(read, 'input'), 'input', 'it');
/** What of an output the caller does not expect. */
const surprising = (sent: z.ZodType, read: z.ZodType) =>
  findExcluded(json(sent, 'output'), json(read, 'output'), 'output', 'it');
const raw = (sent: JsonSchema, read: JsonSchema) => findExcluded(sent, read, 'input', 'it');

group('limits', () => {
  it('on numbers are compared, whichever way they are written', () => {
    assert.deepEqual(refused(z.int().positive(), z.int().min(1)), []);
    assert.deepEqual(refused(z.int().min(1), z.int().positive()), []);
    assert.deepEqual(refused(z.number().positive(), z.number().nonnegative()), []);
    assert.deepEqual(refused(z.number().nonnegative(), z.number().positive()), [
      'it: accepts only exclusiveMinimum 0',
    ]);
    assert.deepEqual(refused(z.number().lt(5), z.number().max(5)), []);
    assert.deepEqual(refused(z.number().max(5), z.number().lt(5)), ['it: accepts only exclusiveMaximum 5']);
    assert.deepEqual(refused(z.number().lt(5), z.number().lt(5)), []);
    assert.deepEqual(refused(z.number().multipleOf(10), z.number().multipleOf(5)), []);
    assert.deepEqual(refused(z.number().multipleOf(5), z.number().multipleOf(10)), [
      'it: accepts only multipleOf 10',
    ]);
  });

  it('on texts are compared, patterns only for being the same', () => {
    assert.deepEqual(refused(z.string().min(2).max(5), z.string().min(1).max(9)), []);
    assert.deepEqual(refused(z.string(), z.string().max(9)), ['it: accepts only maxLength 9']);
    assert.deepEqual(refused(z.string().regex(/a/).regex(/b/), z.string().regex(/b/)), []);
    assert.deepEqual(refused(z.string().regex(/b/), z.string().regex(/a/).regex(/b/)), [
      'it: accepts only pattern "a"',
    ]);
    assert.deepEqual(surprising(z.string(), z.uuid()).length, 2, 'its format and its pattern');
    assert.deepEqual(surprising(z.uuid(), z.string()), []);
  });

  it('on lists are compared', () => {
    assert.deepEqual(refused(z.array(z.int()).min(1), z.array(z.number())), []);
    assert.deepEqual(refused(z.array(z.int()), z.array(z.int()).min(1)), ['it: accepts only minItems 1']);
    assert.deepEqual(refused(z.tuple([z.string(), z.int()]), z.array(z.union([z.string(), z.int()]))), []);
    assert.deepEqual(refused(z.tuple([z.string(), z.int()]), z.array(z.string())), [
      'it[1]: does not accept any integer',
    ]);
    assert.deepEqual(refused(z.tuple([z.string()]), z.tuple([z.string(), z.int()])), [
      'it: accepts only minItems 2',
    ]);
    assert.deepEqual(refused(z.tuple([z.string()], z.int()), z.tuple([z.string()], z.string())), [
      'it[]: does not accept any integer',
    ]);
  });
});

group('alternatives', () => {
  const circle = z.object({ kind: z.literal('circle'), radius: z.number() });
  const square = z.object({ kind: z.literal('square'), side: z.number() });
  const shapes = z.discriminatedUnion('kind', [circle, square]);

  it('may become fewer where they are sent, and more where they are read', () => {
    assert.deepEqual(refused(circle, shapes), []);
    assert.deepEqual(refused(shapes, z.discriminatedUnion('kind', [square, circle])), []);
    assert.deepEqual(refused(z.string(), z.string().nullable()), []);
    assert.deepEqual(refused(z.enum(['a', 'b']), z.union([z.literal('b'), z.literal('a')])), []);
    assert.deepEqual(refused(z.boolean(), z.union([z.literal(true), z.literal(false), z.string()])), [
      'it: does not accept any boolean',
    ]);
  });

  it('that are not read are named', () => {
    assert.deepEqual(refused(shapes, circle), [
      'it.radius: is required',
      'it.kind: does not accept "square"',
    ]);
    const others = z.discriminatedUnion('kind', [circle, z.object({ kind: z.literal('dot') })]);
    assert.deepEqual(refused(shapes, others), ['it: does not accept { kind: "square" }']);
    assert.deepEqual(surprising(shapes, others), ['it: may be { kind: "square" }']);
  });

  it('that are told apart by a field are compared one by one', () => {
    const renamed = square.omit({ side: true }).extend({ width: z.number() });
    assert.deepEqual(refused(shapes, z.discriminatedUnion('kind', [circle, renamed])), [
      'it.width: is required',
    ]);
  });

  it('are found behind a possible null', () => {
    assert.deepEqual(refused(circle.nullable(), circle.extend({ radius: z.int() }).nullable()), [
      'it.radius: does not accept any number',
    ]);
  });
});

group('objects', () => {
  it('and records are compared by what may be in them', () => {
    const prices = z.record(z.string(), z.number());
    assert.deepEqual(refused(z.record(z.string(), z.int()), prices), []);
    assert.deepEqual(refused(prices, z.record(z.string(), z.int())), ['it.*: does not accept any number']);
    assert.deepEqual(refused(z.object({ a: z.int() }), prices), []);
    assert.deepEqual(refused(z.object({ a: z.string() }), prices), ['it.a: does not accept any string']);
    assert.deepEqual(surprising(prices, z.object({ a: z.number() })), ['it.a: may be missing']);
    assert.deepEqual(surprising(prices, z.object({ a: z.string().optional() })), ['it.a: may be any number']);
  });

  it('are compared by the names that a record may have', () => {
    const few = z.record(z.enum(['a', 'b']), z.int());
    assert.deepEqual(refused(few, z.record(z.string(), z.int())), []);
    assert.deepEqual(refused(few, z.record(z.enum(['a', 'b', 'c']), z.int())), ['it.c: is required']);
    assert.deepEqual(refused(z.record(z.string(), z.int()), z.partialRecord(z.enum(['a']), z.int())), [
      'it (name): accepts only "a"',
    ]);
    assert.deepEqual(refused(z.object({ c: z.int() }), z.partialRecord(z.enum(['a']), z.int())), [
      'it.c: is not accepted',
    ]);
  });

  it('that say which fields they have send no others', () => {
    assert.deepEqual(
      refused(z.object({ a: z.int() }), z.object({ a: z.int(), b: z.string().optional() })),
      [],
    );
    assert.deepEqual(
      refused(z.looseObject({ a: z.int() }), z.object({ b: z.string().optional() })).length > 0,
      true,
    );
  });

  it('may be named like what every object inherits', () => {
    assert.deepEqual(
      raw({ type: 'object' }, { type: 'object', properties: { constructor: { type: 'null' } } }),
      [],
    );
    assert.deepEqual(raw({ type: 'object' }, { type: 'object', required: ['toString'] }), [
      'it.toString: is required',
    ]);
  });

  it('are put together from all parts that hold at once', () => {
    const part = (name: string) => ({ properties: { [name]: { type: 'string' } }, required: [name] });
    const both = { type: 'object', allOf: [part('a'), part('b')] };
    const flat = { type: 'object', ...part('a'), required: ['a', 'b'] };
    assert.deepEqual(raw(both, flat), []);
    assert.deepEqual(raw(flat, both), []);
    assert.deepEqual(raw({ type: 'object', ...part('a') }, both), ['it.b: is required']);
  });
});

group('what cannot be compared', () => {
  it('is a difference unless it is the same', () => {
    const odd = { type: 'integer', not: { multipleOf: 2 } };
    assert.deepEqual(raw(odd, odd), []);
    assert.deepEqual(raw(odd, { type: 'integer' }), []);
    assert.deepEqual(raw({ type: 'integer' }, odd), ['it: accepts only not {"multipleOf":2}']);
  });

  it('includes references in a circle', () => {
    const circle = { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' };
    assert.deepEqual(raw({ const: 1 }, { ...circle, anyOf: [{ $ref: '#/$defs/b' }] }), [
      'it: does not accept 1',
    ]);
    assert.deepEqual(raw(circle, circle), []);
  });

  it('includes references to elsewhere', () => {
    const elsewhere = { $ref: 'https://schemas.example/order' };
    assert.deepEqual(raw(elsewhere, {}), []);
    assert.deepEqual(raw(elsewhere, { type: 'null' }).length > 0, true);
    assert.deepEqual(raw({ type: 'null' }, elsewhere), ['it: does not accept any null']);
  });

  it('may be anything, which everything is', () => {
    assert.deepEqual(refused(z.object({ a: z.string() }), z.unknown()), []);
    assert.deepEqual(refused(z.unknown(), z.unknown()), []);
    assert.deepEqual(refused(z.never(), z.string()), []);
    assert.deepEqual(surprising(z.string(), z.never()), ['it: may be any string']);
  });

  it('is not what authors add to document a schema', () => {
    const documented = { type: 'string', title: 'T', default: 'a', examples: ['b'], 'x-internal': true };
    assert.deepEqual(raw({ type: 'string' }, documented), []);
  });
});

group('recursive types', () => {
  const tree = (leaf: z.ZodType) => {
    const Node = z.object({
      value: leaf,
      get children(): z.ZodArray<z.ZodType> {
        return z.array(Node);
      },
    });
    return Node;
  };
  it('are compared once around', () => {
    assert.deepEqual(refused(tree(z.int()), tree(z.number())), []);
    assert.deepEqual(refused(tree(z.number()), tree(z.int())).slice(0, 1), [
      'it.value: does not accept any number',
    ]);
  });

  it('may be alternatives of themselves', () => {
    const list = (item: object): JsonSchema => ({
      $defs: {
        list: { anyOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#/$defs/list' } }, item] },
      },
      $ref: '#/$defs/list',
    });
    assert.deepEqual(raw(list({ type: 'integer' }), list({ type: 'number' })), []);
    assert.ok(raw(list({ type: 'string' }), list({ type: 'number' })).length > 0);
  });
});

group('whatever the schemas', () => {
  const texts = ['', 'a', 'ab', 'b', 'buy'];
  const { schema } = fc.letrec<{ schema: z.ZodType }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      fc.constantFrom<z.ZodType>(z.string(), z.number(), z.int(), z.boolean(), z.null(), z.unknown()),
      fc.constantFrom<z.ZodType>(z.string().min(1), z.string().max(1), z.string().regex(/^a/)),
      fc.constantFrom<z.ZodType>(
        z.int().min(1),
        z.number().gt(0),
        z.number().lt(2),
        z.number().multipleOf(2),
      ),
      fc.subarray(texts, { minLength: 1 }).map((values) => z.enum(values)),
      fc.constantFrom(1, true, null, 'a').map((value) => z.literal(value)),
      tie('schema').map((inner) => z.array(inner)),
      fc.tuple(tie('schema'), tie('schema')).map((items) => z.tuple(items)),
      tie('schema').map((inner) => inner.nullable()),
      tie('schema').map((inner) => z.record(z.string(), inner)),
      fc.tuple(tie('schema'), tie('schema')).map((branches) => z.union(branches)),
      fc
        .record({
          a: tie('schema'),
          b: tie('schema'),
          optional: fc.boolean(),
          kind: fc.constantFrom('z.object', 'strict'),
        })
        .map(({ a, b, optional, kind }) =>
          (kind === 'strict' ? z.strictObject : z.object)({
            a: optional ? a.optional() : a,
            b: b.optional(),
          }),
        ),
    ),
  }));
  const scalar = fc.constantFrom<unknown>(...texts, 0, 1, 2, 3, 1.5, -1, true, false, null);
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), {
      noNullPrototype: true,
    }),
  );

  it('a schema is within itself', () => {
    fc.assert(
      fc.property(schema, (one) => {
        assert.deepEqual(refused(one, one), []);
        assert.deepEqual(surprising(one, one), []);
      }),
      { numRuns: 500 },
    );
  });

  it('where nothing is refused, each value that is sent can be read (as zod itself says)', () => {
    let included = 0;
    fc.assert(
      fc.property(schema, schema, fc.array(value, { minLength: 20, maxLength: 20 }), (sent, read, values) => {
        if (refused(sent, read).length > 0) return;
        included++;
        for (const one of values) {
          // What the sender's own schema would strip is not sent.
          const parsed = sent.safeParse(one);
          if (!parsed.success) continue;
          assert.ok(read.safeParse(parsed.data).success, `${JSON.stringify(parsed.data)} is sent`);
        }
      }),
      { numRuns: 3_000 },
    );
    assert.ok(included > 100, `only ${included} pairs were compatible`);
  });

  it('a schema that is widened reads all that the narrower one sends', () => {
    const widen = fc.constantFrom<(one: z.ZodType) => z.ZodType>(
      (one) => one.nullable(),
      (one) => z.union([one, z.string()]),
      (one) => z.union([z.object({ other: z.int() }), one]),
      () => z.unknown(),
    );
    fc.assert(
      fc.property(schema, widen, (one, wider) => {
        assert.deepEqual(refused(one, wider(one)), []);
        assert.deepEqual(refused(z.object({ f: one }), z.object({ f: wider(one).optional() })), []);
        assert.deepEqual(surprising(z.array(one), z.array(wider(one))), []);
      }),
      { numRuns: 500 },
    );
  });
});
