import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { contract } from '../../contract/contract.ts';
import { operation } from '../../contract/operation.ts';
import { FlotillaError, platformError } from '../../errors/flotilla-error.ts';
import { afterFailure, classOf, defaultRetryPolicy, retryPolicy, waitAfterFailure } from './retry-policy.ts';

const Stock = contract('stock', {
  reserve: operation({ errors: { sold_out: z.object({}) } }),
});

describe('the class of an error', () => {
  it('is permanent for what a repetition does not change', () => {
    assert.equal(classOf(platformError('invalid_argument', 'no')), 'permanent');
    assert.equal(classOf(platformError('not_found', 'no')), 'permanent');
    assert.equal(classOf(Stock.reserve.error('sold_out', {})), 'permanent');
  });

  it('is transient for what is away or busy', () => {
    for (const code of ['unavailable', 'overloaded', 'deadline_exceeded', 'resource_exhausted'] as const)
      assert.equal(classOf(platformError(code, 'later')), 'transient');
  });

  it('is unexpected for anything else', () => {
    assert.equal(classOf(new TypeError('x is undefined')), 'unexpected');
    assert.equal(classOf('text'), 'unexpected');
    assert.equal(classOf(platformError('internal', 'a defect')), 'unexpected');
  });

  it('is what a subscription says it is, where it says so', () => {
    const policy = retryPolicy({
      classify: (error) => (error instanceof RangeError ? 'permanent' : undefined),
    });
    assert.equal(policy.classify(new RangeError('far')), 'permanent');
    assert.equal(policy.classify(new TypeError('wrong')), 'unexpected');
  });
});

describe('after a failure', () => {
  const error = platformError('unavailable', 'away');

  it('the waits double up to a limit, half of each at random', () => {
    const policy = retryPolicy({ transient: { attempts: 9, firstMs: 100, mostMs: 1_000 } });
    const delays = (random: number) =>
      [1, 2, 3, 4, 5, 6].map((attempt) => {
        const next = afterFailure(policy, error, attempt, random);
        return next.kind === 'retry' ? next.delayMs : next.reason;
      });
    assert.deepEqual(delays(0), [50, 100, 200, 400, 500, 500]);
    assert.deepEqual(delays(0.5), [75, 150, 300, 600, 750, 750]);
  });

  it('the next attempt is never sooner than the error allows', () => {
    const busy = new FlotillaError('overloaded', 'busy', { retryAfterMs: 5_000 });
    assert.deepEqual(afterFailure(defaultRetryPolicy, busy, 1, 0), { kind: 'retry', delayMs: 5_000 });
  });

  it('as many attempts as the class allows are followed by a dead letter', () => {
    const policy = retryPolicy({ unexpected: { attempts: 3 } });
    assert.equal(afterFailure(policy, new Error('bug'), 2, 0).kind, 'retry');
    assert.deepEqual(afterFailure(policy, new Error('bug'), 3, 0), {
      kind: 'dead-letter',
      reason: 'exhausted',
    });
  });

  it('a permanent error is a dead letter at once', () => {
    assert.deepEqual(afterFailure(defaultRetryPolicy, platformError('not_found', 'no'), 1, 0), {
      kind: 'dead-letter',
      reason: 'permanent',
    });
  });

  it('a group that never gives up waits, however often and however it failed', () => {
    const wait = waitAfterFailure(defaultRetryPolicy, platformError('not_found', 'no'), 5_000, 0.999);
    assert.ok(wait > 15_000 && wait <= 30_000, String(wait));
  });
});
