/** Codes and texts were recorded from nats-server 2.9.10. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiError } from '../api/api-error.ts';
import { readConsumerRequest } from '../api/consumer-request.ts';
import { checkConsumerConfig, checkConsumerName, checkNewConsumer } from './consumer-check.ts';
import { readConsumerConfig, withDefaults } from './consumer-config.ts';
import { checkConsumerUpdate } from './consumer-update.ts';
import { NaiveStream } from './naive-stream.ts';

type Given = Readonly<Record<string, unknown>>;

const config = (given: Given): ReturnType<typeof readConsumerConfig> =>
  withDefaults(readConsumerConfig(given));
const limits = new NaiveStream('S', 'limits', ['s.>']).config;
const workQueue = new NaiveStream('W', 'workqueue', ['w.>']).config;

function refusal(given: Given, stream = limits): readonly [number, number] | undefined {
  const error = checkConsumerConfig(config(given), stream);
  return error === undefined ? undefined : [error.body.code, error.body.err_code];
}

describe('configurations that are refused', () => {
  const push = { deliver_subject: 'd' };
  const cases: readonly (readonly [Given, number])[] = [
    [{ num_replicas: 3 }, 10_126],
    [{ num_replicas: -1 }, 10_133],
    [{ ack_policy: 'explicit', backoff: [1e9, 2e9], max_deliver: 2 }, 10_116],
    [{ ack_policy: 'explicit', backoff: [1e9, 2e9] }, 10_116],
    [{ description: 'x'.repeat(4_097) }, 10_107],
    [{ deliver_subject: 'a.*' }, 10_079],
    [{ deliver_subject: 'a..b' }, 10_112],
    [{ deliver_subject: 's.b' }, 10_081],
    [{ ...push, max_waiting: 3 }, 10_080],
    [{ ...push, max_ack_pending: 3 }, 10_082],
    [{ ...push, idle_heartbeat: 1e6 }, 10_083],
    [{ ...push, flow_control: true }, 10_108],
    [{ rate_limit_bps: 10 }, 10_086],
    [{ max_waiting: -1 }, 10_087],
    [{ idle_heartbeat: 1e9 }, 10_088],
    [{ flow_control: true }, 10_089],
    [{ max_batch: -1 }, 10_114],
    [{ max_expires: 1_000 }, 10_115],
    [{ filter_subject: 'zz' }, 10_093],
    [{ filter_subject: 's..a' }, 10_093],
    [{ sample_freq: 'x' }, 10_095],
    [{ sample_freq: '-1' }, 10_095],
    [{ direct: true }, 10_090],
    [{ ...push, direct: true, durable_name: 'd' }, 10_091],
    [{ durable_name: 'x', name: 'z' }, 10_132],
  ];
  for (const [given, code] of cases) {
    test(JSON.stringify(given).slice(0, 90), () => assert.deepEqual(refusal(given), [400, code]));
  }
});

test('configurations that are taken', () => {
  const fine = [
    {},
    { filter_subject: '>' },
    { filter_subject: 's.a' },
    { ack_policy: 'explicit', backoff: [1e9, 2e9], max_deliver: 3 },
    { sample_freq: '30%' },
    { deliver_subject: 'd', flow_control: true, idle_heartbeat: 1e9, rate_limit_bps: 1_000 },
    { deliver_subject: 'd', direct: true },
  ];
  for (const given of fine) assert.equal(refusal(given), undefined, JSON.stringify(given));
});

test('a start that does not fit the deliver policy is refused in words', () => {
  const time = '2020-01-01T00:00:00Z';
  const cases: readonly (readonly [Given, string])[] = [
    [{ opt_start_seq: 3 }, 'all, but optional start sequence is also set'],
    [{ opt_start_time: time }, 'all, but optional start time is also set'],
    [{ deliver_policy: 'last', opt_start_seq: 3 }, 'last, but optional start sequence is also set'],
    [{ deliver_policy: 'new', opt_start_time: time }, 'new, but optional start time is also set'],
    [{ deliver_policy: 'last_per_subject' }, 'last per subject, but optional filter subject is not set'],
    [{ deliver_policy: 'by_start_sequence' }, 'by start sequence, but optional start sequence is not set'],
    [
      { deliver_policy: 'by_start_sequence', opt_start_seq: 3, opt_start_time: time },
      'by start sequence, but optional start time is also set',
    ],
    [{ deliver_policy: 'by_start_time' }, 'by start time, but optional start time is not set'],
    [
      { deliver_policy: 'by_start_time', opt_start_seq: 3, opt_start_time: time },
      'by start time, but optional start start sequence is also set',
    ],
  ];
  for (const [given, text] of cases) {
    const error = checkConsumerConfig(config(given), limits);
    assert.deepEqual(error?.body, {
      code: 400,
      err_code: 10_094,
      description: `consumer delivery policy is deliver ${text}`,
    });
  }
});

test('a work queue wants explicit acknowledgements, everything, and each message in one place', () => {
  const check = (given: Given, others: readonly string[] = []): number | undefined =>
    checkNewConsumer(config(given), workQueue, others)?.body.err_code;
  const explicit = { ack_policy: 'explicit' };
  assert.deepEqual(refusal({ ack_policy: 'none' }, workQueue), [400, 10_084]);
  assert.equal(check({ ack_policy: 'all' }), 10_098);
  assert.equal(check({ ...explicit, deliver_policy: 'new' }), 10_101);
  assert.equal(check(explicit), undefined);
  assert.equal(check(explicit, ['w.a']), 10_099);
  assert.equal(check({ ...explicit, filter_subject: 'w.>' }, ['w.a.*']), 10_100);
  assert.equal(check({ ...explicit, filter_subject: 'w.a' }, ['']), 10_100);
  assert.equal(check({ ...explicit, filter_subject: 'w.b' }, ['w.a']), undefined);
});

test('a stream may have a limit of consumers', () => {
  const two = { ...limits, max_consumers: 2 };
  assert.equal(checkNewConsumer(config({}), two, ['']), undefined);
  assert.equal(checkNewConsumer(config({}), two, ['', 's.a'])?.body.err_code, 10_026);
});

test('names are single tokens of a bounded length', () => {
  assert.equal(checkConsumerName('a-b_c'), undefined);
  assert.equal(checkConsumerName('x'.repeat(256))?.body.err_code, 10_102);
  for (const name of ['a.b', 'a*', '>', 'a b']) {
    assert.equal(checkConsumerName(name)?.body.err_code, 10_103, name);
  }
});

describe('updates', () => {
  const base = { durable_name: 'u', ack_policy: 'explicit' };
  const update = (old: Given, given: Given, bound = false): readonly unknown[] | undefined => {
    const error = checkConsumerUpdate(config({ ...base, ...old }), config({ ...base, ...given }), bound);
    return error === undefined ? undefined : [error.body.err_code, error.body.description];
  };

  test('some things stay as they are', () => {
    const cases: readonly (readonly [Given, string])[] = [
      [{ ack_policy: 'none' }, 'ack policy'],
      [{ deliver_policy: 'new' }, 'deliver policy'],
      [{ replay_policy: 'original' }, 'replay policy'],
      [{ max_waiting: 5 }, 'max waiting'],
      [{ opt_start_seq: 5 }, 'start sequence'],
      [{ opt_start_time: '2020-01-01T00:00:00Z' }, 'start time'],
    ];
    for (const [given, name] of cases) {
      assert.deepEqual(update({}, given), [10_012, `${name} can not be updated`]);
    }
  });

  test('others can be changed', () => {
    const given = {
      description: 'new',
      ack_wait: 5e9,
      max_deliver: 7,
      max_ack_pending: 5,
      filter_subject: 's.q',
      inactive_threshold: 60e9,
      max_batch: 4,
      headers_only: true,
    };
    assert.equal(update({}, given), undefined);
  });

  test('the deliver subject can be changed while nobody is subscribed to the old one', () => {
    const old = { deliver_subject: 'one' };
    assert.equal(update(old, { deliver_subject: 'two' }), undefined);
    assert.deepEqual(update(old, { deliver_subject: 'two' }, true), [10_013, 'consumer name already in use']);
    assert.equal(update(old, old, true), undefined);
  });
});

describe('a request says twice who is meant', () => {
  const ask = (subject: string, given: Given, stream = 'S'): unknown => {
    const body = Buffer.from(JSON.stringify({ stream_name: stream, config: given }));
    const request = { tokens: subject.split('.'), subject, reply: 'r', headers: undefined, body };
    try {
      const asked = readConsumerRequest(request);
      return asked && [asked.stream, asked.config.durable_name, asked.config.name];
    } catch (error) {
      assert.ok(error instanceof ApiError);
      return error.body.err_code;
    }
  };

  test('and is refused when it says different things', () => {
    assert.equal(ask('CONSUMER.CREATE.S', {}, 'T'), 10_056);
    assert.equal(ask('CONSUMER.CREATE.S', { durable_name: 'd' }), 10_020);
    assert.equal(ask('CONSUMER.DURABLE.CREATE.S.x', {}), 10_018);
    assert.equal(ask('CONSUMER.DURABLE.CREATE.S.x', { durable_name: 'y' }), 10_017);
    assert.equal(ask('CONSUMER.CREATE.S.x', { durable_name: 'y' }), 10_017);
    assert.equal(ask('CONSUMER.CREATE.S.x.s.a', { filter_subject: 's.b' }), 10_131);
    assert.equal(ask('CONSUMER.CREATE.S.x.s.a', {}), 10_131);
    assert.equal(ask('CONSUMER.CREATE.S.a/b', {}), 10_127);
    assert.equal(ask('CONSUMER.CREATE.S', { num_replicas: 3 }), 10_074);
  });

  test('the name in the subject counts', () => {
    assert.deepEqual(ask('CONSUMER.CREATE.S.x1', { name: 'y' }), ['S', '', 'x1']);
    assert.deepEqual(ask('CONSUMER.CREATE.S.nd', { durable_name: 'nd' }), ['S', 'nd', 'nd']);
    assert.deepEqual(ask('CONSUMER.DURABLE.CREATE.S.x', { durable_name: 'x' }), ['S', 'x', '']);
    assert.deepEqual(ask('CONSUMER.CREATE.S', { name: 'mine' }), ['S', '', 'mine']);
    assert.deepEqual(ask('CONSUMER.CREATE.S.x.s.a', { filter_subject: 's.a' }), ['S', '', 'x']);
  });

  test('a subject of another shape is not answered', () => {
    for (const subject of ['CONSUMER.CREATE', 'CONSUMER.DURABLE.CREATE.S', 'CONSUMER.DURABLE.CREATE.S.a.b']) {
      assert.equal(ask(subject, {}), undefined);
    }
  });

  test('a body that is no JSON object is refused', () => {
    for (const text of ['', '{', '5', '[]', '{"stream_name":5}']) {
      const tokens = ['CONSUMER', 'CREATE', 'S'];
      const request = { tokens, subject: '', reply: 'r', headers: undefined, body: Buffer.from(text) };
      assert.throws(
        () => readConsumerRequest(request),
        (error) => error instanceof ApiError && error.body.err_code === 10_025,
      );
    }
  });
});
