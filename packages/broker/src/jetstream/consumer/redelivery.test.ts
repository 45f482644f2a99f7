import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SubjectFilter } from '../stream/subject-filter.ts';
import { createAckSubject } from './ack-subject.ts';
import { Bench } from './test-bench.ts';

const floorOf = (bench: Bench): number[] => [
  bench.consumer.ledger.floor.consumer,
  bench.consumer.ledger.floor.stream,
];

test('what is not acknowledged in time comes again, in the order of the stream', () => {
  const bench = new Bench({ ack_wait: 1e9 }).append('a', 'b', 'c').pull('9');
  bench.ack(1);
  bench.take();
  bench.pass(999);
  assert.deepEqual(bench.take(), []);
  bench.pass(1);
  assert.deepEqual(
    bench.got.map(({ sequence, deliveries, consumerSequence }) => [sequence, deliveries, consumerSequence]),
    [
      [1, 2, 4],
      [3, 2, 5],
    ],
  );
});

test('work in progress is not disturbed', () => {
  const bench = new Bench({ ack_wait: 1e9 }).append('a').pull('9');
  for (let i = 0; i < 5; i++) bench.pass(700).ack(-1, '+WPI');
  assert.deepEqual(bench.take(), [1]);
  bench.pass(1_000);
  assert.deepEqual(bench.take(), [1]);
});

test('a bare nak brings the message back at once, whatever the backoff says', () => {
  const bench = new Bench({ backoff: [1e9, 2e9], max_deliver: 3 }).append('a').pull('9');
  bench.ack(0, '-NAK');
  assert.deepEqual(bench.take(), [1, 1]);
});

test('a nak may ask for a delay, as JSON or in the notation of Go', () => {
  const bench = new Bench().append('a', 'b', 'c').pull('9');
  bench.ack(0, '-NAK {"delay": 2000000000}').ack(1, '-NAK 1.5s').ack(2, '-NAK soon');
  assert.deepEqual(bench.take(), [1, 2, 3, 3]);
  bench.pass(1_499);
  assert.deepEqual(bench.take(), []);
  bench.pass(1);
  assert.deepEqual(bench.take(), [2]);
  bench.pass(500);
  assert.deepEqual(bench.take(), [1]);
});

test('a delay holds for a message that was already waiting to come again', () => {
  const bench = new Bench().append('a').pull('1');
  bench.ack(0, '-NAK').ack(0, '-NAK {"delay": 1000000000}').pull('1');
  assert.deepEqual(bench.take(), [1]);
  assert.deepEqual(bench.pass(999).take(), []);
  assert.deepEqual(bench.pass(1).take(), [1]);
});

test('a backoff replaces the ack wait, and its last step repeats', () => {
  const bench = new Bench({ ack_wait: 30e9, backoff: [1e9, 3e9], max_deliver: 4 }).append('a').pull('9');
  const at: number[] = [];
  for (let ms = 0; ms < 12_000; ms += 500) {
    if (bench.take().length > 0) at.push(ms);
    bench.pass(500);
  }
  assert.deepEqual(at, [0, 1_000, 4_000, 7_000]);
});

describe('a message that was delivered as often as it may be', () => {
  const exhausted = (): Bench => {
    const bench = new Bench({ max_deliver: 2 }).append('a', 'b').pull('9');
    return bench.ack(0, '-NAK').ack(2, '-NAK');
  };

  test('is announced once, and not pending any more', () => {
    const bench = exhausted();
    assert.deepEqual(
      bench.events.filter(({ kind }) => kind === 'max_deliver'),
      [{ kind: 'max_deliver', streamSequence: 1, deliveries: 2 }],
    );
    assert.deepEqual(bench.take(), [1, 2, 1]);
    bench.pass(29_999);
    assert.deepEqual([bench.take(), bench.consumer.ledger.pending.size], [[], 1]);
    assert.equal(bench.consumer.ledger.redelivered.size, 1);
  });

  test('keeps the floor where it is until it is acknowledged after all', () => {
    const bench = exhausted();
    assert.deepEqual(floorOf(bench), [0, 0]);
    bench.ack(0);
    assert.deepEqual(floorOf(bench), [1, 1]);
    assert.equal(bench.consumer.ledger.redelivered.size, 0);
  });

  test('is announced too when the limit was lowered below its deliveries', () => {
    const bench = new Bench().append('a').pull('9').ack(-1, '-NAK').ack(-1, '-NAK');
    bench.consumer.configure({ ...bench.consumer.config, max_deliver: 1 }, bench.now);
    bench.ack(-1, '-NAK');
    assert.deepEqual(bench.take(), [1, 1, 1]);
    assert.deepEqual(bench.events.at(-1), { kind: 'max_deliver', streamSequence: 1, deliveries: 3 });
  });

  test('ignores a late nak', () => {
    assert.deepEqual(exhausted().ack(0, '-NAK').take(), [1, 2, 1]);
  });
});

test('the floor is below the lowest message that is pending', () => {
  const bench = new Bench().append('a', 'b', 'c', 'd').pull('9');
  bench.ack(1);
  assert.deepEqual(floorOf(bench), [0, 0]);
  bench.ack(0);
  assert.deepEqual(floorOf(bench), [2, 2]);
  bench.ack(3).ack(2);
  assert.deepEqual(floorOf(bench), [4, 4]);
});

test('an ack of all acknowledges everything below', () => {
  const bench = new Bench({ ack_policy: 'all', ack_wait: 1e9 }).append('a', 'b', 'c').pull('9');
  bench.ack(1);
  assert.deepEqual(floorOf(bench), [2, 2]);
  assert.deepEqual(bench.stream.done, [1, 2]);
  bench.take();
  bench.pass(1_000);
  assert.deepEqual(bench.take(), [3]);
});

test('an ack of all counts, whatever was delivered again before', () => {
  const bench = new Bench({ ack_policy: 'all' }).append('a', 'b', 'c').pull('9');
  bench.ack(0, '-NAK').ack(3).ack(1);
  assert.deepEqual(bench.stream.done, [1, 2]);
  assert.deepEqual(floorOf(bench), [4, 2]);
});

test('without acknowledgements what is delivered is done', () => {
  const bench = new Bench({ ack_policy: 'none' }).append('a', 'b').pull('9');
  assert.deepEqual(
    [floorOf(bench), bench.stream.done],
    [
      [2, 2],
      [1, 2],
    ],
  );
  assert.equal(bench.consumer.ledger.pending.size, 0);
  bench.ack(0, '-NAK', 'answer');
  assert.deepEqual([bench.take(), bench.confirmed], [[1, 2], ['answer']]);
});

test('termination is final, and announced', () => {
  const bench = new Bench({ ack_wait: 1e9 }).append('a').pull('9').ack(0, '+TERM');
  bench.pass(5_000);
  assert.deepEqual(bench.take(), [1]);
  assert.deepEqual(bench.events, [
    { kind: 'terminated', consumerSequence: 1, streamSequence: 1, deliveries: 1 },
  ]);
});

test('an ack may ask for more, and every ack with a reply subject is answered but that one', () => {
  const bench = new Bench().append('a', 'b', 'c').pull('1');
  bench.ack(0, '+NXT 2', 'in').ack(1, '', 'answer 1').ack(1, '', 'answer 2').ack(2, 'what?', 'answer 3');
  assert.deepEqual(bench.take(), [1, 2, 3]);
  assert.deepEqual(bench.confirmed, ['answer 1', 'answer 2', 'answer 3']);
  assert.equal(bench.consumer.ledger.pending.size, 1);
});

test('no more than so many messages are pending, but redeliveries go on', () => {
  const bench = new Bench({ max_ack_pending: 2 }).append('a', 'b', 'c').pull('9');
  bench.ack(0, '-NAK');
  assert.deepEqual(bench.take(), [1, 2, 1]);
  bench.append('d');
  assert.deepEqual(bench.take(), []);

  const acked = new Bench({ max_ack_pending: 2 }).append('a', 'b', 'c').pull('9').ack(1);
  assert.deepEqual(acked.take(), [1, 2, 3]);
});

test('an ack for a message that this consumer never had changes nothing', () => {
  const bench = new Bench({ filter_subject: 'a' }, undefined).append('a', 'x', 'a').pull('9');
  for (const sequence of [2, 99, Number.NaN]) {
    const of = { ...createAckSubject(), streamSequence: sequence, consumerSequence: sequence };
    bench.consumer.acknowledge('ack', '', of, '', bench.now);
  }
  assert.deepEqual([bench.stream.done, bench.consumer.ledger.pending.size], [[], 2]);
});

test('a pending message that vanishes from the stream is as good as terminated', () => {
  const bench = new Bench({ ack_wait: 1e9 }).append('a', 'b').pull('9').remove(1);
  assert.deepEqual(bench.events, [
    { kind: 'terminated', consumerSequence: 1, streamSequence: 1, deliveries: 1 },
  ]);
  bench.take();
  bench.pass(1_000);
  assert.deepEqual(bench.take(), [2]);
  assert.deepEqual(floorOf(bench), [1, 1]);
});

test('a purge takes what is pending below it, and nothing else', () => {
  const bench = new Bench({ ack_wait: 1e9 }).append('a', 'b', 'c', 'd', 'e').pull('3');
  bench.take();
  bench.stream.purge(3);
  bench.consumer.purged(3, undefined);
  assert.deepEqual([floorOf(bench), bench.consumer.ledger.pending.size], [[2, 2], 1]);
  assert.equal(bench.consumer.cursor.ahead, 2);
  bench.pull('9').pass(1_000);
  assert.deepEqual(bench.take(), [4, 5, 3, 4, 5]);
});

test('a purge of one subject takes what is pending of it, and nothing else', () => {
  const bench = new Bench().append('a', 'b', 'a', 'b').pull('3');
  const filter = new SubjectFilter('a');
  bench.stream.purge(5, filter);
  bench.consumer.purged(5, filter);
  assert.deepEqual(
    [...bench.consumer.ledger.pending].map(({ sequence }) => sequence),
    [2],
  );
  assert.deepEqual([floorOf(bench), bench.consumer.cursor.ahead], [[1, 1], 1]);
  bench.ack(1);
  assert.deepEqual(floorOf(bench), [3, 3]);
});

test('acknowledgements are sampled as often as asked for', () => {
  const all = new Bench({ sample_freq: '100%' }).append('a').pull('9');
  all.pass(40).ack(0);
  assert.deepEqual(all.events, [
    { kind: 'acknowledged', consumerSequence: 1, streamSequence: 1, deliveries: 1, delay: 40 },
  ]);
  assert.deepEqual(new Bench({ sample_freq: '40' }).append('a').pull('9').ack(0).events, []);
  assert.deepEqual(new Bench().append('a').pull('9').ack(0).events, []);
});
