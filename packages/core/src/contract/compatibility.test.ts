import assert from 'node:assert/strict';
import { describe as group, it } from 'node:test';
import { z } from 'zod';
import { breaks } from './compatibility.ts';
import { contract, describe } from './contract.ts';
import { event } from './event.ts';
import { failure, type Operation, operation } from './operation.ts';
import { type Schema, stream } from './schema.ts';

const documentOf = (op: Operation) => describe(contract('s', { op }));
/** What breaks a caller of `before` on a server of `after`. */
const broken = (before: Operation, after: Operation): string[] =>
  breaks(documentOf(before), documentOf(after)).get('op') ?? [];
const brokenInput = (before: Schema, after: Schema) =>
  broken(operation({ input: before }), operation({ input: after }));
const brokenOutput = (before: Schema, after: Schema) =>
  broken(operation({ output: before }), operation({ output: after }));

const order = z.object({ symbol: z.string(), side: z.enum(['buy', 'sell']), note: z.string().optional() });

group('a caller goes on using a server', () => {
  it('whose contract is the same, however it is documented', () => {
    const one = operation({ input: order, output: order, summary: 'One' });
    assert.deepEqual(broken(one, operation({ input: order, output: order, summary: 'Another' })), []);
  });

  it('that has more operations and events', () => {
    const before = contract('s', { op: operation() });
    const after = contract('s', { op: operation(), more: operation(), done: event({ payload: order }) });
    assert.equal(breaks(describe(before), describe(after)).size, 0);
  });

  it('that takes more optional input, or needs less', () => {
    assert.deepEqual(brokenInput(order, order.extend({ tag: z.string().optional() })), []);
    assert.deepEqual(brokenInput(order, order.extend({ tag: z.string().default('none') })), []);
    assert.deepEqual(brokenInput(order, order.partial()), []);
    assert.deepEqual(brokenInput(order, order.omit({ note: true })), []);
    assert.deepEqual(brokenInput(order, z.object({})), []);
  });

  it('that accepts more values in its input', () => {
    assert.deepEqual(brokenInput(order, order.extend({ side: z.enum(['buy', 'sell', 'short']) })), []);
    assert.deepEqual(brokenInput(order, order.extend({ side: z.string() })), []);
    assert.deepEqual(brokenInput(order, order.extend({ symbol: z.string().nullable() })), []);
    assert.deepEqual(brokenInput(order, order.extend({ symbol: z.union([z.string(), z.int()]) })), []);
    assert.deepEqual(brokenInput(z.object({ n: z.int().max(10) }), z.object({ n: z.number().max(20) })), []);
  });

  it('that answers with more fields, or promises more of them', () => {
    assert.deepEqual(brokenOutput(order, order.extend({ filled: z.int() })), []);
    assert.deepEqual(brokenOutput(order, order.required()), []);
    assert.deepEqual(brokenOutput(order, order.extend({ side: z.literal('buy') })), []);
    assert.deepEqual(brokenOutput(z.object({ n: z.number() }), z.object({ n: z.int().positive() })), []);
    assert.deepEqual(brokenOutput(z.string().nullable(), z.string()), []);
  });

  it('that ends in more errors, in fewer, or says more in one', () => {
    const errors = { late: z.object({ by: z.int() }), closed: failure({ status: 409, data: z.object({}) }) };
    const more = { ...errors, early: z.object({}), late: z.object({ by: z.int(), since: z.string() }) };
    assert.deepEqual(broken(operation({ errors }), operation({ errors: more })), []);
    assert.deepEqual(broken(operation({ errors }), operation()), []);
  });

  it('that has become idempotent, or serves it at another priority or by another key', () => {
    const before = operation({ input: order, key: 'symbol' });
    const after = operation({ input: order, key: 'side', priority: 'background', idempotent: true });
    assert.deepEqual(broken(before, after), []);
  });
});

group('a caller is broken by a server', () => {
  it('that misses an operation, and only that one', () => {
    const before = contract('s', { gone: operation(), kept: operation() });
    const after = contract('s', { kept: operation(), come: operation() });
    assert.deepEqual(
      breaks(describe(before), describe(after)),
      new Map([['gone', ['the operation is missing']]]),
    );
  });

  it('that needs more input', () => {
    assert.deepEqual(brokenInput(order, order.extend({ account: z.string() })), [
      'input.account: is required',
    ]);
    assert.deepEqual(brokenInput(order, order.required()), ['input.note: is required']);
  });

  it('that accepts fewer values in its input', () => {
    assert.deepEqual(brokenInput(order, order.extend({ side: z.enum(['buy']) })), [
      'input.side: does not accept "sell"',
    ]);
    assert.deepEqual(brokenInput(z.object({ a: z.string().nullable() }), z.object({ a: z.string() })), [
      'input.a: does not accept null',
    ]);
    assert.deepEqual(brokenInput(z.object({ n: z.number() }), z.object({ n: z.int() })), [
      'input.n: does not accept any number',
    ]);
    assert.deepEqual(brokenInput(z.object({ n: z.int().max(20) }), z.object({ n: z.int().max(10) })), [
      'input.n: accepts only maximum 10',
    ]);
    assert.deepEqual(brokenInput(order, order.extend({ symbol: z.enum(['A', 'B']) })), [
      'input.symbol: accepts only "A", "B"',
    ]);
  });

  it('that refuses fields it does not know', () => {
    const { symbol, side } = order.shape;
    assert.deepEqual(brokenInput(order, z.strictObject({ symbol, side })), ['input.note: is not accepted']);
    assert.deepEqual(brokenInput(z.record(z.string(), z.int()), z.strictObject({})), [
      'input: does not accept other fields',
    ]);
  });

  it('that answers with less', () => {
    assert.deepEqual(brokenOutput(order, order.omit({ symbol: true })), ['output.symbol: may be missing']);
    assert.deepEqual(brokenOutput(order, order.partial({ side: true })), ['output.side: may be missing']);
    assert.deepEqual(brokenOutput(order, z.null()), ['output: may be null']);
  });

  it('that answers with values the caller does not know', () => {
    assert.deepEqual(brokenOutput(order, order.extend({ side: z.enum(['buy', 'sell', 'short']) })), [
      'output.side: may be "short"',
    ]);
    assert.deepEqual(brokenOutput(order, order.extend({ side: z.string() })), [
      'output.side: is not limited to "buy", "sell"',
    ]);
    assert.deepEqual(brokenOutput(order, order.extend({ note: z.int() })), [
      'output.note: may be any integer',
    ]);
    assert.deepEqual(brokenOutput(z.array(z.string()), z.array(z.string().nullable())), [
      'output[]: may be null',
    ]);
  });

  it('that streams what was one value, or the other way round', () => {
    const one = operation({ output: order });
    const many = operation({ output: stream(order) });
    assert.deepEqual(broken(one, many), ['output: is a stream']);
    assert.deepEqual(broken(many, one), ['output: is not a stream']);
    const narrower = operation({ output: stream(order.omit({ side: true })) });
    assert.deepEqual(broken(many, narrower), ['output.side: may be missing']);
  });

  it('that says less in an error', () => {
    const late = operation({ errors: { late: z.object({ by: z.int() }) } });
    assert.deepEqual(broken(late, operation({ errors: { late: z.object({}) } })), [
      'error late.by: may be missing',
    ]);
  });

  it('where a retry could take effect twice', () => {
    assert.deepEqual(broken(operation({ idempotent: true }), operation()), [
      'is not idempotent: a call that is retried could take effect twice',
    ]);
  });

  it('for all reasons at once', () => {
    const before = operation({ input: order, output: order });
    const after = operation({ input: z.object({ id: z.string() }), output: z.object({ side: z.string() }) });
    assert.deepEqual(broken(before, after), [
      'input.id: is required',
      'output.symbol: may be missing',
      'output.side: is not limited to "buy", "sell"',
    ]);
  });
});
