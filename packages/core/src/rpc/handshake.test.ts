import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FlotillaError } from '../errors/index.ts';
import {
  isProof,
  parseClientAuth,
  parseClientHello,
  parseServerHello,
  proofOf,
  type Transcript,
} from './handshake.ts';

const key = Buffer.alloc(32, 7);
const transcript: Transcript = {
  clientNonce: 'client-nonce-0123456789',
  serverNonce: 'server-nonce-0123456789',
  client: { service: 'orders', instance: 'orders-1' },
  server: { service: 'ledger', instance: 'ledger-1' },
};
const hello = {
  protocol: 1,
  service: 'orders',
  instance: 'orders-1',
  nonce: 'client-nonce-0123456789',
  maxFrame: 65536,
  window: 64,
};
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

describe('handshake', () => {
  it('accepts a proof by the same key over the same facts, as it crosses the wire', () => {
    const proof = proofOf(key, 'server', transcript).toString('base64url');
    assert.equal(isProof(proof, proofOf(key, 'server', transcript)), true);
  });

  for (const [what, other] of [
    ['another key', proofOf(Buffer.alloc(32, 8), 'server', transcript)],
    ['the other side’s proof reflected', proofOf(key, 'client', transcript)],
    ['another client nonce', proofOf(key, 'server', { ...transcript, clientNonce: 'x'.repeat(22) })],
    ['another server nonce', proofOf(key, 'server', { ...transcript, serverNonce: 'x'.repeat(22) })],
    [
      'another identity',
      proofOf(key, 'server', { ...transcript, server: { service: 'ledger', instance: 'ledger-2' } }),
    ],
    [
      'a field’s end moved into the next field',
      proofOf(key, 'server', { ...transcript, server: { service: 'ledgerl', instance: 'edger-1' } }),
    ],
    ['an empty proof', Buffer.alloc(0)],
    ['a proof cut short', proofOf(key, 'server', transcript).subarray(0, 31)],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.equal(isProof(other.toString('base64url'), proofOf(key, 'server', transcript)), false);
    });
  }

  it('reads its own hellos', () => {
    assert.deepEqual(parseClientHello(json(hello)), hello);
    const { window: _, ...common } = hello;
    const server = { ...common, maxInFlight: 10, proof: 'abc' };
    assert.deepEqual(parseServerHello(json(server)), server);
  });

  it('says which protocol it speaks to a peer that speaks another', () => {
    assert.throws(() => parseClientHello(json({ ...hello, protocol: 2 })), {
      code: 'unimplemented',
      message: /protocol 2; this end speaks 1/,
    });
  });

  it('ignores fields that a later version adds', () => {
    assert.deepEqual(parseClientHello(json({ ...hello, zone: 'a' })), hello);
  });

  for (const [what, change] of [
    ['no service', { service: undefined }],
    ['an empty instance', { instance: '' }],
    ['a name of 256 characters', { service: 'x'.repeat(256) }],
    ['a short nonce', { nonce: 'abc' }],
    ['a nonce that is not base64url', { nonce: '+'.repeat(24) }],
    ['a tiny maxFrame', { maxFrame: 100 }],
    ['a fractional window', { window: 1.5 }],
    ['a window of 0', { window: 0 }],
  ] as const) {
    it(`refuses a hello with ${what}`, () => {
      assert.throws(() => parseClientHello(json({ ...hello, ...change })), { code: 'invalid_argument' });
    });
  }

  it('throws nothing but errors it can send, whatever arrives', () => {
    const anyBody = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map(json),
      fc.record({ protocol: fc.constant(1), nonce: fc.jsonValue(), service: fc.jsonValue() }).map(json),
    );
    fc.assert(
      fc.property(
        anyBody,
        fc.constantFrom(parseClientHello, parseServerHello, parseClientAuth),
        (body, parse) => {
          try {
            parse(body);
          } catch (error) {
            assert.ok(error instanceof FlotillaError);
          }
        },
      ),
    );
  });
});
