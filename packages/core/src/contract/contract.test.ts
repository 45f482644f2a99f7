import assert from 'node:assert/strict';
import { describe as group, it } from 'node:test';
import { z } from 'zod';
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';
import { contract, contractInfo, describe, isContract } from './contract.ts';
import { event } from './event.ts';
import { type Operation, operation } from './operation.ts';

const Ledger = contract(
  'ledger',
  {
    hold: operation({
      input: z.object({ account: z.string() }),
      errors: { insufficient_funds: z.object({ available: z.string() }), busy: z.object({}) },
    }),
    posted: event({ payload: z.object({ account: z.string() }), key: 'account' }),
  },
  { summary: 'Who owns what' },
);

/** Passes a value as a JavaScript caller would: without its types. */
const untyped = (members: Record<string, unknown>) =>
  contract('ledger', members as Record<string, Operation>);

const refused = (pattern: RegExp) => (error: unknown) =>
  error instanceof FlotillaError && error.code === 'invalid_argument' && pattern.test(error.message);

group('contract', () => {
  it('names its members for the wire', () => {
    assert.deepEqual(
      [Ledger.hold.service, Ledger.hold.name, Ledger.hold.id, Ledger.hold.kind],
      ['ledger', 'hold', 'ledger.hold', 'operation'],
    );
    assert.deepEqual([Ledger.posted.id, Ledger.posted.kind], ['ledger.posted', 'event']);
    assert.deepEqual(Object.keys(Ledger), ['hold', 'posted']);
    assert.equal(contractInfo(Ledger).name, 'ledger');
    assert.equal(describe(Ledger).summary, 'Who owns what');
  });

  it('cannot be changed, whichever way it is reached', () => {
    const mutable = Ledger as unknown as Record<string, Record<string, unknown>>;
    assert.throws(() => Object.assign(mutable, { hold: undefined }), TypeError);
    assert.throws(() => Object.assign(mutable.hold!, { id: 'ledger.release' }), TypeError);
    assert.throws(() => Object.assign(mutable.posted!, { payload: undefined }), TypeError);
    assert.throws(() => Object.assign(contractInfo(Ledger).members, { more: undefined }), TypeError);
    assert.throws(
      () => Object.assign(describe(Ledger).operations.hold!.input, { type: 'string' }),
      TypeError,
    );
  });

  it('does not follow later changes of what it was made from', () => {
    const members: Record<string, Operation> = { ping: operation() };
    const Made = contract('made', members);
    members.pong = operation();
    assert.deepEqual(Object.keys(contractInfo(Made).members), ['ping']);
    assert.deepEqual(Object.keys(describe(Made).operations), ['ping']);
  });

  it('may use one operation under two names', () => {
    const ping = operation();
    const Twice = contract('twice', { first: ping, second: ping });
    assert.deepEqual([Twice.first.id, Twice.second.id], ['twice.first', 'twice.second']);
  });

  it('is recognised among other values', () => {
    assert.ok(isContract(Ledger));
    for (const other of [undefined, null, 'ledger', {}, { ...describe(Ledger) }, () => 0]) {
      assert.equal(isContract(other), false);
    }
  });

  it('refuses a service name that cannot be an address', () => {
    for (const name of ['', 'Ledger', '1st', 'led.ger', 'led ger', 'ledger_1', '-ledger', 'l'.repeat(64)]) {
      assert.throws(() => contract(name, {}), refused(/must match .*for example 'market-data'/), name);
    }
    for (const name of ['a', 'market-data', 'l2-book', 'l'.repeat(63)]) contract(name, {});
  });

  it('refuses a member name that is no identifier or that JavaScript itself calls', () => {
    for (const name of ['', 'Hold', 'place-order', 'a.b', '$contract', '__proto__x']) {
      assert.throws(
        () => untyped({ [name]: operation() }),
        refused(/must match .*for example 'placeOrder'/),
        name,
      );
    }
    for (const name of ['then', 'constructor', 'toString', 'valueOf', 'toJSON']) {
      assert.throws(() => untyped({ [name]: operation() }), refused(/choose another/), name);
    }
  });

  it('refuses a member that was not wrapped, and says how to', () => {
    for (const value of [z.object({}), undefined, null, 'text', { kind: 'stream' }]) {
      assert.throws(() => untyped({ hold: value }), refused(/^ledger\.hold: .*wrap it in operation\(/));
    }
  });
});

group('the errors of an operation', () => {
  it('carry their code, data and message, and say that they are declared', () => {
    const error = Ledger.hold.error('insufficient_funds', { available: '5' });
    assert.ok(error instanceof FlotillaError);
    assert.deepEqual(error.toJSON(), {
      code: 'insufficient_funds',
      message: 'insufficient funds',
      data: { available: '5' },
      declared: true,
    });
    assert.equal(Ledger.hold.error('busy', {}, 'come back later').message, 'come back later');
    assert.deepEqual(Ledger.hold.error('busy').data, {});
  });

  it('are refused when the contract does not declare them', () => {
    const error = Ledger.hold.error as (code: string) => unknown;
    for (const code of ['account_closed', 'not_found', 'toString']) {
      assert.throws(() => error(code), { code: 'internal', message: /declares no error .*add it/ });
    }
  });

  it('are told from errors that the operation cannot end in', () => {
    assert.ok(Ledger.hold.isError(Ledger.hold.error('busy')));
    assert.ok(Ledger.hold.isError(platformError('unavailable', 'gone')));
    assert.equal(Ledger.hold.isError(new FlotillaError('account_closed', '', { declared: true })), false);
    assert.equal(
      Ledger.hold.isError(new FlotillaError('busy', '')),
      false,
      'of another operation or version',
    );
    assert.equal(Ledger.hold.isError(new TypeError('x')), false);
    assert.equal(Ledger.hold.isError({ code: 'busy' }), false);
  });
});
