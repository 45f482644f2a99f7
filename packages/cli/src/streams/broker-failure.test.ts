import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { FlotillaError } from 'flotilla';
import { Failure } from '../failure.ts';
import { brokerFailure } from './broker-failure.ts';

const URL = 'nats://127.0.0.1:4222';

describe('what a broker answers', () => {
  it('is a failure with a code of the command', () => {
    const api = (err_code: number, description: string) =>
      new JetStreamApiError({ code: 400, err_code, description });
    const cases: [thrown: Error, code: string, message: RegExp][] = [
      [api(10_059, 'stream not found'), 'not_found', /the broker answered: stream not found/],
      [api(10_014, 'consumer not found'), 'not_found', /consumer not found/],
      [api(10_025, 'invalid request'), 'broker_failed', /invalid request/],
      [new errors.TimeoutError(), 'broker_failed', /nats:\/\/127\.0\.0\.1:4222 did not answer/],
      [new errors.NoRespondersError('$JS.API.INFO'), 'broker_failed', /did not answer/],
      [new errors.ClosedConnectionError(), 'broker_failed', /did not answer/],
      [new FlotillaError('not_found', 'no group "x"'), 'not_found', /no group "x"/],
      [new FlotillaError('unavailable', 'nobody there'), 'not_running', /nobody there/],
      [new FlotillaError('internal', 'odd'), 'broker_failed', /odd/],
    ];
    for (const [thrown, code, message] of cases) {
      const failure = brokerFailure(thrown, URL);
      assert.ok(failure instanceof Failure, thrown.name);
      assert.equal(failure.code, code, thrown.name);
      assert.match(failure.message, message);
      assert.equal(failure.cause, thrown);
    }
  });

  it('leaves alone what is none', () => {
    const defect = new TypeError('x is undefined');
    assert.equal(brokerFailure(defect, URL), defect);
    const failure = new Failure('usage', 'wrong');
    assert.equal(brokerFailure(failure, URL), failure);
  });
});
