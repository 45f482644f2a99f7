import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalHeaders, isReservedHeader } from './headers.ts';

const refused = (...raw: string[]) =>
  assert.throws(() => canonicalHeaders(raw, 100), { code: 'invalid_argument' });

describe('header fields', () => {
  it('have lower-case names, and repeated list fields are joined', () => {
    const { values, repeated } = canonicalHeaders(['Accept', 'a', 'X-Custom', '1', 'accept', 'b'], 100);
    assert.deepEqual(
      [...values],
      [
        ['accept', 'a, b'],
        ['x-custom', '1'],
      ],
    );
    assert.deepEqual([...repeated], ['accept']);
  });

  it('that the gateway acts on may not come twice, not even equal', () => {
    for (const name of [
      'Authorization',
      'Host',
      'Content-Length',
      'Idempotency-Key',
      'traceparent',
      'X-Request-Id',
    ]) {
      refused(name, 'a', name.toUpperCase(), 'a');
    }
  });

  it('that the gateway acts on may not come under another spelling', () => {
    refused('Content_Length', '5');
    refused('content.length', '5');
    refused('Transfer_Encoding', 'chunked');
    refused('X_Request.Id', 'a');
    refused('authorization_', 'a', 'authorization-', 'b');
  });

  it('may not alias each other', () => {
    refused('x-tenant', 'a', 'x_tenant', 'b');
    refused('x.tenant', 'a', 'x_tenant', 'b');
    assert.equal(canonicalHeaders(['x_tenant', 'a'], 100).values.get('x_tenant'), 'a');
  });

  it('beyond the limit are refused with 431', () => {
    const many = Array.from({ length: 202 }, (_, at) => (at % 2 === 0 ? `x-${at}` : 'v'));
    assert.throws(() => canonicalHeaders(many, 100), { status: 431 });
  });

  it('of the fleet are dropped in every spelling', () => {
    const names = ['x-user-id', 'x-flotilla-caller', 'x-authenticated-user', 'x-user'];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.infiniteStream(fc.tuple(fc.boolean(), fc.constantFrom('-', '_', '.'))),
        (name, choices) => {
          const spelled = [...name]
            .map((character) => {
              const [upper, separator] = choices.next().value!;
              return character === '-' ? separator : upper ? character.toUpperCase() : character;
            })
            .join('');
          assert.ok(isReservedHeader(spelled), spelled);
          assert.equal(canonicalHeaders([spelled, 'admin', spelled, 'root'], 100).values.size, 0);
        },
      ),
    );
  });
});
