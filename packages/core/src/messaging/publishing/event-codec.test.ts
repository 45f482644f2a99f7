import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { contract } from '../../contract/contract.ts';
import { event } from '../../contract/event.ts';
import { headerBlock, readHeaderBlock } from '../headers.ts';
import { checkId, EventCodec, readFacts } from './event-codec.ts';

const Ledger = contract('ledger', {
  posted: event({
    payload: z.object({ account: z.string().optional(), note: z.string().default('none') }),
    key: 'account',
  }),
  said: event({ payload: z.string() }),
});

const codec = new EventCodec(Ledger.posted, '/shop/ledger');

describe('an event as a message', () => {
  it('has the validated payload, and the value of its key', async () => {
    const { bytes, key } = await codec.encode({ account: 'Zürich 7' });
    assert.deepEqual(JSON.parse(bytes.toString()), { account: 'Zürich 7', note: 'none' });
    assert.equal(key, 'Zürich 7');
    assert.deepEqual(codec.decode(bytes), { account: 'Zürich 7', note: 'none' });
  });

  it('has no key where it declares none, or its field is absent', async () => {
    assert.equal((await codec.encode({})).key, undefined);
    assert.equal((await new EventCodec(Ledger.said, '').encode('hello')).key, undefined);
  });

  it('is refused on both ends when it breaks the contract', () => {
    assert.throws(() => codec.encode({ account: 7 }), { code: 'invalid_argument', message: /^account: / });
    assert.throws(() => codec.decode(Buffer.from('{"account":7}')), { code: 'invalid_argument' });
    assert.throws(() => codec.decode(Buffer.from('{"account"')), {
      message: 'ledger.posted: the payload is not JSON',
    });
  });

  it('tells in its headers what a receiver has to know', () => {
    const lines = codec.headerLines('id-1', 'Zürich 7', '2026-01-02T03:04:05.006Z', '00-1-2-01');
    const headers = readHeaderBlock(headerBlock(lines));
    assert.deepEqual(readFacts(headers, 'shop_ledger', 9), {
      ...{ id: 'id-1', key: 'Zürich 7', source: '/shop/ledger', time: '2026-01-02T03:04:05.006Z' },
      ...{ traceparent: '00-1-2-01', redrives: 0, replay: undefined },
    });
  });

  it('of a client that knows nothing of CloudEvents is named by its place', () => {
    const { id, key, time } = readFacts(readHeaderBlock(Buffer.from('')), 'shop_ledger', 9);
    assert.deepEqual([id, key, time], ['shop_ledger:9', undefined, undefined]);
  });

  it('has an id that can be a header', () => {
    assert.equal(checkId('order-17/4'), 'order-17/4');
    for (const id of ['', 'a b', 'a\r\nb', 'ä', 'x'.repeat(129)])
      assert.throws(() => checkId(id), { code: 'invalid_argument' }, JSON.stringify(id));
  });
});
