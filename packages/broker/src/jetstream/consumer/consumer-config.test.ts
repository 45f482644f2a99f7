import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../api/api-error.ts';
import { readConsumerConfig, showConsumerConfig, withDefaults } from './consumer-config.ts';
import { readTimeUs } from './start-time.ts';

test('what is not set is not shown, what the server assumes is', () => {
  const config = withDefaults(readConsumerConfig({ durable_name: 'd', ack_policy: 'explicit' }));
  assert.equal(
    JSON.stringify(showConsumerConfig(config)),
    '{"durable_name":"d","deliver_policy":"all","ack_policy":"explicit","ack_wait":30000000000,"max_deliver":-1,' +
      '"replay_policy":"instant","max_waiting":512,"max_ack_pending":1000,"num_replicas":0}',
  );
});

test('a push consumer has no waiting requests, one without acknowledgements no ack wait', () => {
  const { max_waiting, ack_wait, max_ack_pending } = withDefaults(
    readConsumerConfig({ deliver_subject: 'd' }),
  );
  assert.deepEqual([max_waiting, ack_wait, max_ack_pending], [0, 0, 0]);
});

test('a backoff replaces the ack wait', () => {
  const given = { ack_policy: 'explicit', ack_wait: 30e9, backoff: [1e9, 2e9] };
  assert.equal(withDefaults(readConsumerConfig(given)).ack_wait, 1e9);
});

test('what is shown can be read again, names in other alphabets included', () => {
  const given = {
    durable_name: 'größe',
    description: 'd',
    deliver_policy: 'by_start_time',
    opt_start_time: '2020-01-01T00:00:00.5+01:00',
    ack_policy: 'all',
    backoff: [1],
    headers_only: true,
    metadata: { ignored: 'yes' },
  };
  const config = readConsumerConfig(given);
  const shown = showConsumerConfig(config);
  assert.equal(shown.durable_name, 'größe');
  assert.equal(shown.metadata, undefined);
  assert.deepEqual(readConsumerConfig(JSON.parse(JSON.stringify(shown))), config);
});

test('values of the wrong type are invalid JSON to the server', () => {
  const wrong = [
    { ack_wait: '1s' },
    { max_deliver: 1.5 },
    { opt_start_seq: -1 },
    { ack_policy: 'maybe' },
    { opt_start_time: 'yesterday' },
    { backoff: 5 },
    { backoff: ['1s'] },
    { headers_only: 'yes' },
    { durable_name: 5 },
  ];
  for (const config of [...wrong, [], 'x']) {
    assert.throws(
      () => readConsumerConfig(config),
      (error) => error instanceof ApiError && error.body.err_code === 10_025,
      JSON.stringify(config),
    );
  }
});

test('a start time is read to the microsecond, in any zone', () => {
  assert.equal(readTimeUs('1970-01-01T00:00:01.000001Z'), 1_000_001);
  assert.equal(readTimeUs('1970-01-01T01:00:00.0000005+01:00'), 1);
  // As a fraction of one, times a million, this is a little more than it says.
  assert.equal(readTimeUs('1970-01-01T00:00:00.509607Z'), 509_607);
  assert.equal(readTimeUs('1970-01-01'), undefined);
  assert.equal(readTimeUs('1970-99-01T00:00:00Z'), undefined);
});
