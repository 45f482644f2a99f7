import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headers as clientHeaders, MsgHdrsImpl } from '@nats-io/nats-core/internal';
import fc from 'fast-check';
import {
  decodeValue,
  encodeValue,
  headerBlock,
  headerLine,
  headerLines,
  readHeaderBlock,
} from './headers.ts';

const name = fc.stringMatching(/^[A-Za-z][A-Za-z-]{0,20}$/);
const value = fc.string({ unit: 'binary', maxLength: 40 }).map(encodeValue);

describe('header blocks', () => {
  it('are what the client library reads', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key }), (entries) => {
        const block = headerBlock(headerLines(entries));
        const theirs = MsgHdrsImpl.decode(block);
        assert.deepEqual(
          entries.map(([key]) => theirs.get(key)),
          entries.map(([, text]) => text),
        );
      }),
    );
  });

  it('are read as the client library writes them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key }), (entries) => {
        const theirs = clientHeaders();
        for (const [key, text] of entries) theirs.set(key, text);
        const ours = readHeaderBlock((theirs as MsgHdrsImpl).encode());
        for (const [key, text] of entries) assert.equal(ours.get(key), text);
      }),
    );
  });

  it('of another client may have values with blanks around them, and lines that mean nothing', () => {
    const block = Buffer.from('NATS/1.0\r\nce-id:7\r\nce-type:  orders.placed \r\nnonsense\r\n\r\n');
    const headers = readHeaderBlock(block);
    assert.deepEqual(
      [...headers.entries()],
      [
        ['ce-id', '7'],
        ['ce-type', 'orders.placed'],
      ],
    );
    assert.equal(headers.get('ce-source'), undefined);
  });

  it('with a status line have no fields', () => {
    assert.deepEqual([...readHeaderBlock(Buffer.from('NATS/1.0 503\r\n\r\n')).entries()], []);
    assert.deepEqual([...readHeaderBlock(Buffer.from('')).entries()], []);
  });
});

describe('header values', () => {
  it('may be made of any text, which comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(text.isWellFormed());
        const encoded = encodeValue(text);
        assert.match(encoded, /^[\x21-\x7e]*$/);
        assert.equal(decodeValue(encoded), text);
        assert.equal(readHeaderBlock(headerBlock(headerLine('key', encoded))).get('key'), encoded);
      }),
    );
  });

  it('that were never encoded are taken as they are', () => {
    assert.equal(decodeValue('100 % of it'), '100 % of it');
  });
});
