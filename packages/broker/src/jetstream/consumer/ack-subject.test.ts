import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ackPrefixOf, createAckSubject, readAckSubject, writeAckSubject } from './ack-subject.ts';

test('what is written can be read', () => {
  const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(
      number,
      number,
      number,
      number,
      number,
      (deliveries, sequence, consumerSequence, time, pending) => {
        const prefix = ackPrefixOf('ORDERS', 'worker-1');
        const text = writeAckSubject(prefix, deliveries, sequence, consumerSequence, time, pending);
        assert.equal(
          text,
          `$JS.ACK.ORDERS.worker-1.${deliveries}.${sequence}.${consumerSequence}.${time}000.${pending}`,
        );
        const read = createAckSubject();
        assert.equal(readAckSubject(text, read), true);
        assert.deepEqual(read, {
          stream: 'ORDERS',
          consumer: 'worker-1',
          deliveries,
          streamSequence: sequence,
          consumerSequence,
        });
      },
    ),
  );
});

test('subjects of another shape are not taken for acknowledgements', () => {
  const shapes = ['', '$JS.ACK.', '$JS.ACK.S', '$JS.ACK.S.c', '$JS.ACK.S.c.', '$JS.ACK.S.c.1.2.3.4'];
  for (const subject of [
    ...shapes,
    '$JS.ACK.S.c.1.2.3.4.',
    '$JS.ACK.S.c.1.2.3.4.5.6',
    '$JS.ACK.S.c.1..3.4.5',
  ]) {
    assert.equal(readAckSubject(subject, createAckSubject()), false, subject);
  }
});

test('what is not a number is not a sequence', () => {
  const read = createAckSubject();
  assert.equal(readAckSubject('$JS.ACK.S.c.1.x.3.4.5', read), true);
  assert.deepEqual([read.streamSequence, read.consumerSequence], [Number.NaN, 3]);
});
