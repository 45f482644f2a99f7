import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FlotillaError } from '../errors/index.ts';
import { parseTraceparent, readTraceContext } from '../telemetry/trace-context.ts';
import type { CallOptions } from './channel.ts';
import { FLAG_STREAM } from './frame.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameWriter } from './frame-writer.ts';
import { RequestDecoder, RequestEncoder } from './request-codec.ts';

interface Encoded {
  readonly flags: number;
  readonly body: Buffer;
}

function encode(
  operation: string,
  payload: Uint8Array,
  options?: CallOptions,
  streaming = false,
  maxFrame = 1 << 20,
): Encoded {
  const parts: Buffer[] = [];
  const sink = {
    writableLength: 0,
    write: (bytes: Uint8Array) => parts.push(Buffer.from(bytes)) > 0,
    cork() {},
    uncork() {},
  };
  const writer = new FrameWriter(sink, () => {});
  new RequestEncoder().write(writer, 1, streaming, operation, payload, options, maxFrame);
  writer.flush();
  let encoded: Encoded | undefined;
  new FrameParser(1 << 22).push(Buffer.concat(parts), {
    frame(_type, flags, _callId, bytes, start, end) {
      encoded = { flags, body: bytes.subarray(start, end) };
      return true;
    },
  });
  return encoded!;
}

const anyUser = fc.record(
  {
    subject: fc.string(),
    scopes: fc.array(fc.string(), { maxLength: 4 }),
    claims: fc.dictionary(fc.string(), fc.jsonValue()),
  },
  { requiredKeys: ['subject', 'scopes'] },
);
const anyName = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
const anyOptions = fc.record(
  {
    deadlineMs: fc.integer({ min: 1, max: 0xffff_ffff }),
    user: anyUser,
    idempotencyKey: anyName,
    trace: fc.constant(parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')!),
  },
  { requiredKeys: [] },
);

describe('request codec', () => {
  it('reads back every field', () => {
    fc.assert(
      fc.property(
        anyName,
        fc.uint8Array(),
        anyOptions,
        fc.boolean(),
        (operation, payload, options, streaming) => {
          const { flags, body } = encode(operation, payload, options, streaming);
          const decoder = new RequestDecoder();
          assert.equal(decoder.read(flags, body, 0, body.length), undefined);
          assert.equal(decoder.operation, operation);
          assert.equal(decoder.deadlineMs, options.deadlineMs ?? 0);
          // JSON has no "__proto__" setter, no -0 and no undefined: compare in JSON.
          assert.equal(JSON.stringify(decoder.user), JSON.stringify(options.user));
          assert.equal(decoder.idempotencyKey, options.idempotencyKey);
          assert.deepEqual(
            decoder.traceAt === 0 ? undefined : readTraceContext(body, decoder.traceAt),
            options.trace,
          );
          assert.ok(body.subarray(decoder.payloadAt).equals(payload));
          assert.equal((flags & FLAG_STREAM) !== 0, streaming);
        },
      ),
    );
  });

  it('names what is wrong with a body cut short or damaged, and never throws', () => {
    const options = {
      user: { subject: 'ada', scopes: ['orders:write'] },
      idempotencyKey: 'k-1',
      trace: parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')!,
    };
    const { flags, body } = encode('ledger.hold', new Uint8Array(0), options);
    for (let end = 0; end < body.length; end++) {
      assert.equal(typeof new RequestDecoder().read(flags, body, 0, end), 'string', `cut at ${end}`);
    }
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 200 }), (anyFlags, bytes) => {
        const problem = new RequestDecoder().read(anyFlags, Buffer.from(bytes), 0, bytes.length);
        assert.ok(problem === undefined || problem.length > 0);
      }),
    );
  });

  it('forgets the optional fields of the request before', () => {
    const decoder = new RequestDecoder();
    const full = encode('a.b', new Uint8Array(0), {
      user: { subject: 's', scopes: [] },
      idempotencyKey: 'k',
    });
    decoder.read(full.flags, full.body, 0, full.body.length);
    const plain = encode('a.b', new Uint8Array(0));
    decoder.read(plain.flags, plain.body, 0, plain.body.length);
    assert.deepEqual([decoder.user, decoder.idempotencyKey, decoder.deadlineMs], [undefined, undefined, 0]);
  });

  it('rounds a deadline up, so that a budget below a millisecond is not "none"', () => {
    for (const [deadlineMs, sent] of [
      [0.2, 1],
      [10.1, 11],
      [Number.POSITIVE_INFINITY, 0],
      [1e12, 0xffff_ffff],
    ] as const) {
      const { flags, body } = encode('a.b', new Uint8Array(0), { deadlineMs });
      const decoder = new RequestDecoder();
      decoder.read(flags, body, 0, body.length);
      assert.equal(decoder.deadlineMs, sent);
    }
  });

  for (const [what, code, act] of [
    [
      'a request above the peer’s limit',
      'payload_too_large',
      () => encode('a.b', new Uint8Array(90), {}, false, 100),
    ],
    [
      'an end user above 64 KiB',
      'payload_too_large',
      () => encode('a.b', new Uint8Array(0), { user: { subject: 'x'.repeat(70_000), scopes: [] } }),
    ],
    ['an operation without a name', 'invalid_argument', () => encode('', new Uint8Array(0))],
    ['an operation of 256 bytes', 'invalid_argument', () => encode('x'.repeat(256), new Uint8Array(0))],
    [
      'an empty idempotency key',
      'invalid_argument',
      () => encode('a', new Uint8Array(0), { idempotencyKey: '' }),
    ],
  ] as const) {
    it(`refuses ${what} before anything is written`, () => {
      assert.throws(act, (error) => error instanceof FlotillaError && error.code === code);
    });
  }

  it('knows an operation’s name again, also among many that share a slot', () => {
    const decoder = new RequestDecoder();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 2000; index++) {
        const { flags, body } = encode(`service-${index}.operation`, new Uint8Array(0));
        decoder.read(flags, body, 0, body.length);
        assert.equal(decoder.operation, `service-${index}.operation`);
      }
    }
  });
});
