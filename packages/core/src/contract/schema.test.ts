import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { FlotillaError } from '../errors/flotilla-error.ts';
import { isStream, jsonSchemaOf, parse, type Schema, stream, validate } from './schema.ts';

/** A Standard Schema by hand: no library, no JSON Schema; fails with paths of every form that the standard allows. */
function evenNumber(mode: 'sync' | 'async'): Schema<number, { half: number }> {
  const check = (value: unknown) =>
    typeof value === 'number' && value % 2 === 0
      ? { value: { half: value / 2 } }
      : {
          issues: [
            { message: 'must be even', path: ['list', { key: 0 }, Symbol('secret'), { key: 'name' }] },
          ],
        };
  return {
    '~standard': {
      version: 1,
      vendor: 'by-hand',
      validate: (value) => (mode === 'sync' ? check(value) : Promise.resolve(check(value))),
    },
  };
}

describe('validate', () => {
  it('gives the parsed value at once where the checks are synchronous', () => {
    assert.deepEqual(validate(z.object({ a: z.string().default('x') }), {}), { value: { a: 'x' } });
    assert.deepEqual(validate(evenNumber('sync'), 4), { value: { half: 2 } });
  });

  it('gives a promise where they are not', async () => {
    const result = validate(evenNumber('async'), 4);
    assert.ok(result instanceof Promise);
    assert.deepEqual(await result, { value: { half: 2 } });
    const slow = z.string().refine(async (text) => text.length < 3, 'too long');
    assert.deepEqual(await validate(slow, 'long'), { issues: [{ path: [], message: 'too long' }] });
  });

  it('names the path of every issue, for indexes as numbers', () => {
    const schema = z.object({ price: z.string(), legs: z.array(z.object({ size: z.int() })) });
    const result = validate(schema, { price: 1, legs: [{ size: 1 }, { size: 1.5 }] });
    assert.ok(!(result instanceof Promise) && result.issues);
    assert.deepEqual(
      result.issues.map(({ path }) => path),
      [['price'], ['legs', 1, 'size']],
    );
  });

  it('says of a field that is not there that it is required, and leaves the words of own checks alone', () => {
    const schema = z
      .object({
        side: z.enum(['buy', 'sell']),
        size: z.object({ lots: z.int() }),
        price: z.string().optional(),
      })
      .check((context) => {
        if (context.value.price === undefined) {
          const message = 'a limit order needs a price';
          context.issues.push({ code: 'custom', path: ['price'], message, input: context.value });
        }
      });
    const issuesOf = (value: unknown) => {
      const result = validate(schema, value);
      assert.ok(!(result instanceof Promise) && result.issues);
      return result.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    };
    assert.deepEqual(issuesOf({ size: {} }), ['side: is required', 'size.lots: is required']);
    assert.deepEqual(issuesOf({ side: 'buy', size: { lots: 1 } }), ['price: a limit order needs a price']);
    assert.deepEqual(issuesOf({ side: 'x', size: null }).length, 2);
    assert.doesNotMatch(issuesOf({ side: 'x', size: null }).join(), /is required/);
  });

  it('reads path segments of every form that Standard Schema allows', async () => {
    for (const mode of ['sync', 'async'] as const) {
      assert.deepEqual(await validate(evenNumber(mode), 3), {
        issues: [{ path: ['list', 0, 'Symbol(secret)', 'name'], message: 'must be even' }],
      });
    }
  });
});

describe('parse', () => {
  it('returns the value or throws an error that says what is wrong and where', async () => {
    assert.equal(await parse(z.string(), 'a'), 'a');
    await assert.rejects(
      parse(z.object({ a: z.object({ b: z.literal(1, 'must be 1') }) }), { a: { b: 2 } }),
      (error) => {
        assert.ok(error instanceof FlotillaError);
        assert.equal(error.code, 'invalid_argument');
        assert.equal(error.message, 'a.b: must be 1');
        assert.deepEqual(error.data, { issues: [{ path: ['a', 'b'], message: 'must be 1' }] });
        return true;
      },
    );
  });
});

describe('jsonSchemaOf', () => {
  it('tells what a caller may send from what comes out', () => {
    const schema = z.object({ side: z.enum(['buy', 'sell']).default('buy') });
    assert.deepEqual(jsonSchemaOf(schema, 'input', 'x'), {
      type: 'object',
      properties: { side: { type: 'string', enum: ['buy', 'sell'], default: 'buy' } },
    });
    assert.deepEqual(jsonSchemaOf(schema, 'output', 'x').required, ['side']);
  });

  it('is open where the library has no JSON Schema', () => {
    assert.deepEqual(jsonSchemaOf(evenNumber('sync'), 'input', 'x'), {});
  });

  it('refuses a schema of values that JSON does not have, and says what to do', () => {
    for (const schema of [z.date(), z.object({ id: z.bigint() }), z.map(z.string(), z.string())]) {
      assert.throws(() => jsonSchemaOf(schema, 'output', 'ledger.hold output'), {
        code: 'invalid_argument',
        message: /^ledger\.hold output: the schema has no JSON form .*use strings for bigint and Date/,
      });
    }
  });
});

describe('stream', () => {
  it('marks an output, and is not mistaken for a schema that has a `kind`', () => {
    assert.ok(isStream(stream(z.string())));
    assert.equal(isStream(z.object({ kind: z.literal('stream') })), false);
  });
});
