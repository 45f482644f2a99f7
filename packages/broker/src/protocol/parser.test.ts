import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SubjectInterner } from './interner.ts';
import { Parser } from './parser.ts';
import { ProtocolError } from './protocol-error.ts';
import { type Operation, RecordedOperations } from './recorded-operations.ts';

const LIMITS = { maxControlLine: 64, maxPayload: 128 };

interface Setup {
  readonly headers?: boolean;
  readonly awaitingConnect?: boolean;
}

function parse(
  chunks: readonly Buffer[],
  { headers = true, awaitingConnect = false }: Setup = {},
): Operation[] {
  const sink = new RecordedOperations();
  const parser = new Parser(sink, LIMITS, new SubjectInterner());
  parser.headersEnabled = headers;
  parser.awaitingConnect = awaitingConnect;
  for (const chunk of chunks) parser.parse(chunk);
  return sink.operations;
}

function parseText(text: string, setup?: Setup): Operation[] {
  return parse([Buffer.from(text, 'latin1')], setup);
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const points = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return points.slice(1).map((point, index) => bytes.subarray(points[index], point));
}

describe('operations', () => {
  test('every operation of a client is understood', () => {
    assert.deepEqual(
      parseText(
        'CONNECT {"verbose":false}\r\nPING\r\nPONG\r\nSUB a.* 1\r\nSUB b q 2\r\nUNSUB 1\r\nUNSUB 2 5\r\n' +
          'PUB a 2\r\nhi\r\nPUB a re 0\r\n\r\nHPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\nHPUB a re 12 12\r\nNATS/1.0\r\n\r\n\r\n',
      ),
      [
        ['connect', ' {"verbose":false}'],
        ['ping'],
        ['pong'],
        ['subscribe', 'a.*', '', '1'],
        ['subscribe', 'b', 'q', '2'],
        ['unsubscribe', '1', 0],
        ['unsubscribe', '2', 5],
        ['publish', 'a', '', '', 'hi'],
        ['publish', 'a', 're', '', ''],
        ['publish', 'a', '', 'NATS/1.0\r\n\r\n', 'hi'],
        ['publish', 'a', 're', 'NATS/1.0\r\n\r\n', ''],
      ],
    );
  });

  test('verbs are read in any case, tabs and runs of spaces separate, and a bare newline ends a line', () => {
    assert.deepEqual(parseText('ping\nsUb\ta \t 1 \nPub a   1\r\nx\r\n'), [
      ['ping'],
      ['subscribe', 'a', '', '1'],
      ['publish', 'a', '', '', 'x'],
    ]);
  });

  test('a payload may contain anything, line ends and operations included', () => {
    assert.deepEqual(parseText('PUB a 8\r\n\r\nPING\r\n\r\nPONG\r\n'), [
      ['publish', 'a', '', '', '\r\nPING\r\n'],
      ['pong'],
    ]);
  });

  test('a limit on UNSUB that is not a number means at once', () => {
    assert.deepEqual(parseText('UNSUB 1 x\r\nUNSUB 1 -3\r\n'), [
      ['unsubscribe', '1', 0],
      ['unsubscribe', '1', 0],
    ]);
  });
});

describe('violations', () => {
  const cases: readonly (readonly [string, string, ProtocolError | undefined, Setup?])[] = [
    ['an unknown verb', 'FOO', ProtocolError.unknownOperation],
    ['an empty line', '\r\n', ProtocolError.unknownOperation],
    ['a verb that runs into its argument', 'SUBa 1\r\n', ProtocolError.unknownOperation],
    ['an operation for servers', 'RS+ a b\r\n', ProtocolError.unknownOperation],
    ['a payload longer than announced', 'PUB a 2\r\nhixx', ProtocolError.unknownOperation],
    ['a payload with a bare newline behind it', 'PUB a 2\r\nhi\nPING\r\n', ProtocolError.unknownOperation],
    ['a payload above the limit', 'PUB a 129\r\n', ProtocolError.maximumPayload],
    ['headers and payload above the limit', 'HPUB a 12 129\r\n', ProtocolError.maximumPayload],
    ['a line above the limit', `SUB ${'a'.repeat(70)} 1\r\n`, ProtocolError.maximumControlLine],
    ['an endless line', `SUB ${'a'.repeat(9000)}`, ProtocolError.maximumControlLine],
    ['endless garbage', 'x'.repeat(9000), ProtocolError.unknownOperation],
    ['PUB without a size', 'PUB a\r\n', undefined],
    ['PUB with a size that is no number', 'PUB a x\r\n', undefined],
    ['PUB with a negative size', 'PUB a -1\r\n', undefined],
    ['PUB with ten digits', 'PUB a 0000000001\r\n', undefined],
    ['PUB with too many arguments', 'PUB a b c 1\r\n', undefined],
    ['HPUB with headers longer than everything', 'HPUB a 14 12\r\n', undefined],
    ['HPUB from a client without headers', 'HPUB a 12 14\r\n', undefined, { headers: false }],
    ['SUB without an id', 'SUB a\r\n', undefined],
    ['SUB with too many arguments', 'SUB a b c d\r\n', undefined],
    ['UNSUB with too many arguments', 'UNSUB 1 2 3\r\n', undefined],
    ['an error from the client', "-ERR 'x'\r\n", undefined],
    ['INFO that is not JSON', 'INFO {\r\n', undefined],
    ['anything before CONNECT', 'PING\r\n', ProtocolError.authorizationViolation, { awaitingConnect: true }],
    ['garbage before CONNECT', 'X', ProtocolError.authorizationViolation, { awaitingConnect: true }],
    ['almost CONNECT', 'CZ', ProtocolError.unknownOperation, { awaitingConnect: true }],
  ];
  for (const [name, text, error, setup] of cases) {
    const answer = error === undefined ? 'ends the connection without a word' : `is answered '${error}'`;
    test(`${name} ${answer}, and nothing after it counts`, () => {
      assert.deepEqual(parseText(`${text}`, setup).at(-1), ['violation', error]);
      assert.deepEqual(parse([Buffer.from(text), Buffer.from('PING\r\n')], setup).at(-1), [
        'violation',
        error,
      ]);
      const dribbled = cut(
        Buffer.from(text),
        Array.from({ length: text.length }, (_, index) => index),
      );
      assert.deepEqual(parse(dribbled, setup).at(-1), ['violation', error]);
    });
  }
});

describe('chunking', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9.*>_$-]{1,12}$/);
  const payload = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 60 }),
    fc.constant('\r\nPUB a 1\r\n'),
  );
  const operation = fc.oneof(
    fc.constantFrom(
      'PING\r\n',
      'PONG\r\n',
      'CONNECT {"verbose":false}\r\n',
      '+OK\r\n',
      'INFO {}\r\n',
      'ping\n',
    ),
    fc.tuple(word, word).map(([subject, sid]) => `SUB ${subject} ${sid}\r\n`),
    fc.tuple(word, word, word).map(([subject, queue, sid]) => `SUB\t${subject}  ${queue} ${sid}\n`),
    fc.tuple(word, fc.nat(99)).map(([sid, max]) => `UNSUB ${sid} ${max}\r\n`),
    fc.tuple(word, payload).map(([subject, body]) => `PUB ${subject} ${body.length}\r\n${body}\r\n`),
    fc
      .tuple(word, word, payload)
      .map(([subject, reply, body]) => `PUB ${subject} ${reply} ${body.length}\r\n${body}\r\n`),
    fc
      .tuple(word, payload, payload)
      .map(
        ([subject, head, body]) =>
          `HPUB ${subject} ${head.length} ${head.length + body.length}\r\n${head}${body}\r\n`,
      ),
  );
  const cuts = fc.array(fc.nat(2000), { maxLength: 40 });

  test('the same operations come out, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), cuts, (operations, at) => {
        const bytes = Buffer.from(operations.join(''), 'latin1');
        const whole = parse([bytes]);
        assert.equal(
          whole.some(([kind]) => kind === 'violation'),
          false,
        );
        assert.deepEqual(parse(cut(bytes, at)), whole);
      }),
      { numRuns: 500 },
    );
  });

  test('damaged input is refused at the same place, however the bytes are cut', () => {
    const damage = fc.tuple(fc.nat(500), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 8 }),
        damage,
        cuts,
        (operations, [at, byte], where) => {
          const bytes = Buffer.from(operations.join(''), 'latin1');
          bytes[at % bytes.length] = byte;
          assert.deepEqual(parse(cut(bytes, where)), parse([bytes]));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('garbage never throws, and at most one violation is reported, as the last thing', () => {
    const fragment = fc.constantFrom(
      'PUB ',
      'SUB ',
      'HPUB ',
      'CONNECT ',
      ' 1',
      '\r\n',
      '\n',
      ' ',
      'a',
      '-ERR ',
      '9',
    );
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.array(fragment, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(noise, cuts, (bytes, at) => {
        const operations = parse(cut(bytes, at));
        const first = operations.findIndex(([kind]) => kind === 'violation');
        assert.ok(first === -1 || first === operations.length - 1);
      }),
      { numRuns: 2000 },
    );
  });
});

test('a payload that arrives in one piece is not copied', () => {
  const chunk = Buffer.from('PUB a 5\r\nhello\r\n');
  let body: Buffer | undefined;
  const sink = new RecordedOperations();
  sink.publish = (message) => {
    body = message.body();
  };
  new Parser(sink, LIMITS, new SubjectInterner()).parse(chunk);
  assert.equal(body?.buffer, chunk.buffer);
  assert.equal(body?.toString(), 'hello');
});
