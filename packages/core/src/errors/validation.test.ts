import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatIssues, invalidArgument } from './validation.ts';

describe('invalidArgument', () => {
  it('lists every field at fault, in its message and as data', () => {
    const issues = [
      { path: ['legs', 1, 'price'], message: 'must be positive' },
      { path: [], message: 'expected object' },
    ];
    const error = invalidArgument(issues);
    assert.equal(error.code, 'invalid_argument');
    assert.equal(error.message, 'legs.1.price: must be positive; expected object');
    assert.deepEqual(error.toJSON().data, { issues });
    assert.equal(error.retryable, false);
  });
});

describe('formatIssues', () => {
  it('is empty for no issues', () => {
    assert.equal(formatIssues([]), '');
  });
});
