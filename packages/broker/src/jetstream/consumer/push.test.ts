import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NaiveStream } from './naive-stream.ts';
import { Bench } from './test-bench.ts';

function pushBench(config: Readonly<Record<string, unknown>> = {}, stream?: NaiveStream): Bench {
  const bench = new Bench({ deliver_subject: 'out', ...config }, stream);
  bench.consumer.bind(true, bench.now);
  return bench;
}

test('messages go to the deliver subject while somebody is subscribed, and wait otherwise', () => {
  const bench = pushBench().append('a');
  bench.consumer.bind(false, bench.now);
  bench.append('b');
  assert.deepEqual(bench.take(), [1]);
  assert.equal(bench.consumer.isBound, false);
  bench.consumer.bind(true, bench.now);
  bench.run();
  assert.deepEqual(bench.take(), [2]);
});

test('a message that nobody took is not delivered', () => {
  const bench = pushBench();
  bench.deaf.add('out');
  bench.append('a');
  assert.deepEqual([bench.consumer.isBound, bench.consumer.delivered.consumer], [false, 0]);
  bench.deaf.clear();
  bench.consumer.bind(true, bench.now);
  assert.deepEqual(bench.run().take(), [1]);
});

test('a subscriber that cannot take more makes the consumer wait', () => {
  const bench = pushBench();
  bench.saturated.add('out');
  bench.append('a', 'b');
  assert.deepEqual([bench.take(), bench.consumer.cursor.ahead], [[], 2]);
  bench.saturated.clear();
  assert.deepEqual(bench.run().take(), [1, 2]);
});

test('heartbeats tell how far it is, as long as nothing else does', () => {
  const bench = pushBench({ idle_heartbeat: 1e9 });
  bench.pass(600).append('a').pass(900);
  assert.deepEqual(bench.takeStatuses(), []);
  bench.pass(100);
  const beat = 'out: 100 Idle Heartbeat (Nats-Last-Consumer: 1, Nats-Last-Stream: 1)';
  assert.deepEqual(bench.takeStatuses(), [beat]);
  bench.pass(2_000);
  assert.deepEqual(bench.takeStatuses(), [beat, beat]);
  bench.consumer.bind(false, bench.now);
  bench.pass(5_000);
  assert.deepEqual(bench.takeStatuses(), []);
});

test('with flow control it stalls until the client answers, and heartbeats say on what', () => {
  const stream = new NaiveStream();
  for (let i = 0; i < 5; i++) stream.append('a', 'x'.repeat(700_000));
  const bench = pushBench({ flow_control: true, idle_heartbeat: 1e9 }, stream).run();
  assert.deepEqual(bench.take(), [1, 2, 3]);
  const [question] = bench.takeStatuses();
  const subject = question!.slice('out: 100 FlowControl Request '.length);
  assert.match(subject, /^\$JS\.FC\.S\.c\.\w{4}$/);
  bench.pass(1_000);
  assert.deepEqual(bench.takeStatuses(), [
    `out: 100 Idle Heartbeat (Nats-Last-Consumer: 3, Nats-Last-Stream: 3, Nats-Consumer-Stalled: ${subject})`,
  ]);
  bench.consumer.flowControlled(subject);
  assert.deepEqual(bench.run().take(), [4, 5]);
});

test('a request for messages is refused', () => {
  const bench = pushBench().pull('1');
  assert.deepEqual(bench.takeStatuses(), ['in: 409 Consumer is push based']);
});

test('headers only: the body is left out, and its size told', () => {
  const stream = new NaiveStream();
  stream.append('a', 'hello', 1, 'NATS/1.0\r\nA: b\r\n\r\n');
  stream.append('a', 'x');
  const bench = pushBench({ headers_only: true }, stream).run();
  assert.deepEqual(
    bench.got.map(({ message }) => [message.payload.toString(), message.headerLength]),
    [
      ['NATS/1.0\r\nA: b\r\nNats-Msg-Size: 5\r\n\r\n', 36],
      ['NATS/1.0\r\nNats-Msg-Size: 1\r\n\r\n', 30],
    ],
  );
});

test('replay in the original pace keeps the distances of what was stored, and no longer', () => {
  const stream = new NaiveStream();
  for (const ms of [0, 500, 2_000]) stream.append('a', '', 1_000_000 + ms * 1_000);
  const bench = pushBench({ replay_policy: 'original' }, stream).run();
  assert.deepEqual(bench.take(), [1]);
  assert.deepEqual(bench.pass(499).take(), []);
  assert.deepEqual(bench.pass(1).take(), [2]);
  assert.deepEqual(bench.pass(1_500).take(), [3]);
  bench.stream.append('a', '', 9_000_000_000);
  bench.consumer.cursor.appended(4, 4, 1);
  assert.deepEqual(bench.run().take(), [4]);
});

test('a rate limit spreads deliveries', () => {
  const stream = new NaiveStream();
  for (let i = 0; i < 4; i++) stream.append('a', 'x'.repeat(975));
  // 1000 bytes at once, then 8000 bits a second; a message is about 1000 bytes.
  const bench = pushBench({ rate_limit_bps: 8_000, ack_policy: 'none' }, stream).run();
  const at = [bench.take().length];
  for (let second = 1; second <= 4; second++) at.push(bench.pass(1_000).take().length);
  assert.deepEqual(at, [1, 1, 1, 1, 0]);
});

test('a new deliver subject gets what is pending again', () => {
  const bench = pushBench().append('a', 'b').ack(0);
  bench.consumer.configure({ ...bench.consumer.config, deliver_subject: 'elsewhere' }, bench.now);
  bench.run();
  assert.deepEqual(
    bench.got.slice(2).map(({ inbox, sequence, deliveries }) => [inbox, sequence, deliveries]),
    [['elsewhere', 2, 2]],
  );
});

test('a consumer without a durable name goes away some time after its last subscriber', () => {
  const bench = pushBench({ inactive_threshold: 2e9 });
  bench.pass(10_000);
  assert.equal(bench.isUnused, false);
  bench.consumer.bind(false, bench.now);
  bench.pass(1_999);
  assert.equal(bench.isUnused, false);
  bench.pass(1);
  assert.equal(bench.isUnused, true);
});
