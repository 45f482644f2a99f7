import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PublishHeaders } from './publish-headers.ts';

function read(lines: readonly string[]): PublishHeaders {
  const block = `NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
  const bytes = Buffer.from(`before${block}after`, 'latin1');
  const headers = new PublishHeaders();
  headers.read(bytes, 6, 6 + block.length);
  return headers;
}

test('what a publisher demands is read from among its other headers', () => {
  const headers = read([
    'traceparent: 00-1-1-01',
    'Nats-Msg-Id:  id 1 ',
    'Nats-Expected-Stream: S',
    'Nats-Expected-Last-Sequence: 7',
    'Nats-Expected-Last-Subject-Sequence: 0',
    'Nats-Expected-Last-Msg-Id: id 0',
    'Nats-Rollup: sub',
    'Nats-Something: else',
  ]);
  assert.deepEqual(
    { ...headers },
    {
      messageId: 'id 1 ',
      expectedStream: 'S',
      expectedLastSequence: 7,
      expectedLastSubjectSequence: 0,
      expectedLastMessageId: 'id 0',
      rollup: 'sub',
    },
  );
});

test('names are taken by the letter, and the first of several counts', () => {
  const headers = read([
    'nats-msg-id: lower',
    'Nats-Msg-Id: first',
    'Nats-Msg-Id: second',
    'XNats-Rollup: sub',
  ]);
  assert.equal(headers.messageId, 'first');
  assert.equal(headers.rollup, '');
});

test('a sequence that is no number fits none', () => {
  for (const value of ['x', '-1', '1.5', '99999999999999999999']) {
    assert.equal(read([`Nats-Expected-Last-Sequence: ${value}`]).expectedLastSequence, Number.NaN, value);
  }
  assert.equal(read(['Nats-Expected-Last-Sequence:']).expectedLastSequence, undefined);
});

test('nothing is left of the message before', () => {
  const headers = read(['Nats-Msg-Id: one', 'Nats-Expected-Last-Sequence: 1']);
  headers.read(Buffer.from('NATS/1.0\r\n\r\n'), 0, 12);
  assert.deepEqual([headers.messageId, headers.expectedLastSequence], ['', undefined]);
});

test('any bytes can be read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (noise, text) => {
      const bytes = Buffer.concat([Buffer.from(`Nats-Msg-Id${text}\n`), noise]);
      new PublishHeaders().read(bytes, 0, bytes.length);
    }),
  );
});
