import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './test-bench.ts';

test('a request gets its batch, and waits for what is not there yet', () => {
  const bench = new Bench().append('a', 'b').pull('3');
  assert.deepEqual(bench.take(), [1, 2]);
  bench.append('c', 'd');
  assert.deepEqual(bench.take(), [3]);
  assert.deepEqual(bench.takeStatuses(), []);
});

test('waiting requests get one message each in turn', () => {
  const bench = new Bench().pull('2', 'one').pull('2', 'two').append('a', 'b', 'c', 'd');
  assert.deepEqual(
    bench.got.map(({ inbox, sequence }) => [inbox, sequence]),
    [
      ['one', 1],
      ['two', 2],
      ['one', 3],
      ['two', 4],
    ],
  );
});

test('the reply subject tells deliveries, sequences, time and how many messages are ahead', () => {
  const bench = new Bench();
  bench.stream.append('a', '', 1_700_000_000_123_456);
  bench.append('b').pull('2');
  assert.deepEqual(
    bench.got.map(({ reply }) => reply),
    ['$JS.ACK.S.c.1.1.1.1700000000123456000.1', '$JS.ACK.S.c.1.2.2.2000.0'],
  );
});

test('a request that expires is told what is missing', () => {
  const bench = new Bench().append('a').pull({ batch: 3, expires: 2e9 });
  bench.pass(1_999);
  assert.deepEqual(bench.takeStatuses(), []);
  bench.pass(1);
  assert.deepEqual(bench.takeStatuses(), [
    'in: 408 Request Timeout (Nats-Pending-Messages: 2, Nats-Pending-Bytes: 0)',
  ]);
  bench.append('b');
  assert.deepEqual(bench.take(), [1]);
});

test('a request without wait gets what is there, or hears that there is nothing', () => {
  const bench = new Bench().pull({ batch: 3, no_wait: true });
  assert.deepEqual(bench.takeStatuses(), ['in: 404 No Messages']);
  bench.append('a', 'b').pull({ batch: 3, no_wait: true });
  assert.deepEqual(bench.take(), [1, 2]);
  assert.deepEqual(bench.takeStatuses(), [
    'in: 408 Request Timeout (Nats-Pending-Messages: 1, Nats-Pending-Bytes: 0)',
  ]);
});

test('a request without wait that may expire waits for the first message only', () => {
  const bench = new Bench().pull({ batch: 3, no_wait: true, expires: 5e9 });
  assert.deepEqual(bench.takeStatuses(), []);
  bench.append('a');
  assert.deepEqual(bench.take(), [1]);
  assert.equal(bench.takeStatuses().length, 1);
});

test('a request without wait is refused when those before it want more than there is', () => {
  const bench = new Bench({ max_ack_pending: 1 }).append('a', 'b').pull('5', 'first');
  bench.pull({ batch: 1, no_wait: true }, 'second');
  assert.deepEqual(bench.takeStatuses(), ['second: 408 Requests Pending']);
});

test('heartbeats come while nothing else does', () => {
  const bench = new Bench().append('a').pull({ batch: 2, expires: 10e9, idle_heartbeat: 1e9 });
  bench.pass(2_500);
  const beat = 'in: 100 Idle Heartbeat (Nats-Last-Consumer: 1, Nats-Last-Stream: 1)';
  assert.deepEqual(bench.takeStatuses(), [beat, beat]);
  assert.deepEqual(bench.take(), [1]);
  bench.append('b').pass(5_000);
  assert.deepEqual(bench.takeStatuses(), []);
});

test('heartbeats that are seldom come together, and never later than asked for', () => {
  const request = { batch: 1, expires: 30e9, idle_heartbeat: 5e9 };
  const bench = new Bench();
  const started = bench.now;
  bench.pull(request, 'a').pass(300).pull(request, 'b');
  const told: [string, number][] = [];
  for (let step = 0; step < 60; step++) {
    bench.pass(100);
    for (const status of bench.takeStatuses()) told.push([status.slice(0, 1), bench.now - started]);
  }
  const [[first, firstAt], [second, secondAt]] = told as [[string, number], [string, number]];
  assert.deepEqual([first, second], ['a', 'b']);
  assert.equal(firstAt, secondAt);
  assert.ok(firstAt > 4_000 && firstAt <= 5_000, `after ${firstAt} ms`);
});

test('a message is as good as a heartbeat', () => {
  const bench = new Bench().pull({ batch: 3, expires: 10e9, idle_heartbeat: 1e9 });
  bench.pass(600).append('a').pass(900);
  assert.deepEqual(bench.takeStatuses(), []);
  bench.pass(100);
  assert.equal(bench.takeStatuses().length, 1);
});

test('a request whose time is up gets nothing more, even before the timer has noticed', () => {
  const bench = new Bench().pull({ batch: 1, expires: 1e9 });
  bench.now += 1_000;
  bench.append('a');
  assert.deepEqual(bench.take(), []);
  assert.deepEqual(bench.takeStatuses(), [
    'in: 408 Request Timeout (Nats-Pending-Messages: 1, Nats-Pending-Bytes: 0)',
  ]);
});

test('a request without wait goes on while the consumer waits for acknowledgements', () => {
  const bench = new Bench({ max_ack_pending: 1 }).append('a', 'b').pull({ batch: 5, no_wait: true });
  assert.deepEqual([bench.take(), bench.takeStatuses()], [[1], []]);
  const acked = new Bench({ max_ack_pending: 1 }).append('a', 'b').pull({ batch: 5, no_wait: true });
  acked.ack(0).ack(1);
  assert.deepEqual(acked.take(), [1, 2]);
  assert.equal(acked.takeStatuses().length, 1);
});

test('a request with a limit in bytes ends at the message that does not fit', () => {
  const bench = new Bench().append('a', 'b', 'c');
  const size = 1 + '$JS.ACK.S.c.1.1.1.1000.2'.length;
  bench.pull({ batch: 10, max_bytes: 2 * size + 3 });
  assert.deepEqual(bench.take(), [1, 2]);
  assert.deepEqual(bench.takeStatuses(), [
    'in: 409 Message Size Exceeds MaxBytes (Nats-Pending-Messages: 8, Nats-Pending-Bytes: 3)',
  ]);
});

test('a limit in bytes that is used up exactly ends the request without a word', () => {
  const bench = new Bench().append('a', 'b');
  bench.pull({ batch: 10, max_bytes: 1 + '$JS.ACK.S.c.1.1.1.1000.1'.length });
  assert.deepEqual([bench.take(), bench.takeStatuses()], [[1], []]);
});

test('requests beyond the limits of the consumer are refused with the limit', () => {
  const bench = new Bench({ max_waiting: 1, max_batch: 5, max_expires: 1e9, max_bytes: 1000 });
  bench.pull('6').pull({ batch: 1, expires: 2e9 }).pull({ batch: 1, max_bytes: 2000 });
  bench.pull('1').pull('1');
  assert.deepEqual(bench.takeStatuses(), [
    'in: 409 Exceeded MaxRequestBatch of 5',
    'in: 409 Exceeded MaxRequestExpires of 1s',
    'in: 409 Exceeded MaxRequestMaxBytes of 1000',
    'in: 409 Exceeded MaxWaiting',
  ]);
});

test('a request whose client is gone makes room and takes no message', () => {
  const bench = new Bench({ max_waiting: 2 }).pull('1', 'gone').pull('1', 'there');
  bench.deaf.add('gone');
  bench.pull('1', 'late').append('a', 'b');
  assert.deepEqual(
    bench.got.map(({ inbox }) => inbox),
    ['there', 'late'],
  );
  assert.deepEqual(bench.takeStatuses(), []);
});

test('a client that cannot take more delays nobody else, and nothing counts as delivered to it', () => {
  const bench = new Bench().pull('2', 'slow').pull('2', 'quick');
  bench.saturated.add('slow');
  bench.append('a', 'b', 'c');
  assert.deepEqual(
    bench.got.map(({ inbox, sequence }) => [inbox, sequence]),
    [
      ['quick', 1],
      ['quick', 2],
    ],
  );
  assert.equal(bench.consumer.delivered.consumer, 2);
  assert.equal(bench.consumer.cursor.ahead, 1);
  bench.saturated.clear();
  bench.run();
  assert.deepEqual(bench.take(), [1, 2, 3]);
});

test('requests that make no sense are told why', () => {
  const bench = new Bench().pull({ expires: 1e9, idle_heartbeat: 0.6e9 }).pull('{').pull({ batch: 'x' });
  assert.deepEqual(bench.takeStatuses(), [
    'in: 400 Bad Request - heartbeat value too large',
    'in: 400 Bad Request - invalid JSON',
    'in: 400 Bad Request - json: cannot unmarshal string into Go struct field JSApiConsumerGetNextRequest.batch of type int',
  ]);
});

test('deletion tells those who wait', () => {
  const bench = new Bench().pull('1', 'one').pull('1', 'two');
  bench.consumer.end();
  assert.deepEqual(bench.takeStatuses(), ['one: 409 Consumer Deleted', 'two: 409 Consumer Deleted']);
});

test('an unused consumer goes away, one with waiting requests does not', () => {
  const bench = new Bench({ inactive_threshold: 5e9 }).pull({ batch: 1, expires: 60e9 });
  bench.pass(30_000);
  assert.equal(bench.isUnused, false);
  bench.deaf.add('in');
  bench.pass(5_000);
  assert.equal(bench.isUnused, true);
});
