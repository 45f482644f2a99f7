import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonSchemaOf } from 'flotilla';
import { z } from 'zod';
import { compileCoercer } from './coercion.ts';

function coerce(schema: z.ZodType, text: string): unknown {
  const json = jsonSchemaOf(schema, 'input', 'test');
  return compileCoercer(json, json).one(text);
}

describe('a parameter', () => {
  it('becomes what its schema asks for', () => {
    assert.equal(coerce(z.string(), '10'), '10');
    assert.equal(coerce(z.int(), '10'), 10);
    assert.equal(coerce(z.int(), '-0'), -0);
    assert.equal(coerce(z.number(), '1.5e3'), 1500);
    assert.equal(coerce(z.boolean(), 'true'), true);
    assert.equal(coerce(z.enum(['1m', '5m']), '1m'), '1m');
    assert.equal(coerce(z.literal(5), '5'), 5);
    assert.equal(coerce(z.number().optional(), '7'), 7);
    assert.equal(coerce(z.nullable(z.int()), '7'), 7);
    assert.equal(coerce(z.union([z.int(), z.literal('all')]), 'all'), 'all');
    assert.equal(coerce(z.union([z.int(), z.literal('all')]), '3'), 3);
    assert.equal(coerce(z.union([z.int(), z.string()]), '3'), '3');
    assert.equal(coerce(z.unknown(), '3'), '3');
    assert.equal(coerce(z.int().default(5), '3'), 3);
  });

  it('stays text where its form leaves a doubt, for the service to refuse', () => {
    for (const text of [
      '',
      ' 1',
      '1 ',
      '+1',
      '01',
      '0x1',
      '1_000',
      '1e3',
      '1.0',
      '9007199254740993',
      'NaN',
      '٣',
    ]) {
      assert.equal(coerce(z.int(), text), text);
    }
    for (const text of ['Infinity', '1e999', '.5', '5.', '1,5']) assert.equal(coerce(z.number(), text), text);
    for (const text of ['TRUE', '1', 'yes', '']) assert.equal(coerce(z.boolean(), text), text);
  });

  it('can be a list, whose items are coerced each', () => {
    const json = jsonSchemaOf(z.array(z.int()), 'input', 'test');
    const coercer = compileCoercer(json, json);
    assert.equal(coercer.repeatable, true);
    assert.equal(coercer.one('4'), 4);
  });

  it('is found through references, also circular ones', () => {
    const root = {
      $defs: { Depth: { type: 'integer' }, Loop: { anyOf: [{ $ref: '#/$defs/Loop' }, { type: 'boolean' }] } },
    };
    assert.equal(compileCoercer({ $ref: '#/$defs/Depth' }, root).one('4'), 4);
    assert.equal(compileCoercer({ $ref: '#/$defs/Loop' }, root).one('true'), true);
    assert.equal(compileCoercer({ $ref: '#/$defs/None' }, root).one('4'), '4');
    assert.equal(compileCoercer({ $ref: 'https://elsewhere/schema' }, root).one('4'), '4');
  });
});
