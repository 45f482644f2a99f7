import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlatformCode, platformCodes } from '../errors/index.ts';
import { mayRetry, type Retryability } from './retryable.ts';

const notExecuted = { executed: 'no' };

test('what never reached a handler is retried free of charge, whatever the operation', () => {
  for (const idempotent of [true, false]) {
    assert.equal(mayRetry({ code: 'unavailable', data: notExecuted }, idempotent), 'free');
  }
});

test('what an overloaded server refused is retried out of the budget, whatever the operation', () => {
  for (const idempotent of [true, false]) {
    const data = { ...notExecuted, retryAfterMs: 20 };
    assert.equal(mayRetry({ code: 'overloaded', data }, idempotent), 'budget');
  }
});

test('what may have been executed is retried only if the operation is idempotent', () => {
  for (const data of [undefined, null, 'no', { executed: 'unknown' }]) {
    assert.equal(mayRetry({ code: 'unavailable', data }, false), 'no');
    assert.equal(mayRetry({ code: 'overloaded', data }, false), 'no');
    assert.equal(mayRetry({ code: 'unavailable', data }, true), 'budget');
    assert.equal(mayRetry({ code: 'overloaded', data }, true), 'budget');
  }
});

test('no other code of the platform is retried', () => {
  const retried: PlatformCode[] = ['unavailable', 'overloaded'];
  for (const code of Object.keys(platformCodes) as PlatformCode[]) {
    const expected: Retryability = retried.includes(code) ? 'budget' : 'no';
    assert.equal(mayRetry({ code, data: undefined }, true), expected, code);
  }
  assert.equal(mayRetry({ code: 'deadline_exceeded', data: notExecuted }, true), 'no');
});

test('an error that the contract declares is an answer, whatever it is called', () => {
  assert.equal(mayRetry({ code: 'unavailable', data: notExecuted, declared: true }, true), 'no');
});
