import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDelivery } from './delivery.ts';

const expected = {
  deliveries: 2,
  sequence: 41,
  consumerSequence: 7,
  timeMs: 1_700_000_000_123.457,
  pending: 3,
};

describe('the reply subject of a delivered message', () => {
  it('tells of the delivery, in its short and in its long form', () => {
    for (const subject of [
      '$JS.ACK.shop_orders.reader.2.41.7.1700000000123456789.3',
      '$JS.ACK.hub.account.shop_orders.reader.2.41.7.1700000000123456789.3',
      '$JS.ACK.hub.account.shop_orders.reader.2.41.7.1700000000123456789.3.x1y2',
    ]) {
      const delivery = readDelivery(subject);
      assert.deepEqual({ ...delivery, timeMs: undefined }, { ...expected, timeMs: undefined }, subject);
      assert.ok(Math.abs((delivery?.timeMs ?? 0) - expected.timeMs) < 0.001);
    }
  });

  it('is nothing else', () => {
    for (const subject of ['', '_INBOX.a.b', '$JS.ACK.a.b.1.2.3', '$KV.x.y.z.a.b.c.d.e'])
      assert.equal(readDelivery(subject), undefined, subject);
  });
});
