import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS, type Limits, resolveLimits } from './limits.ts';

test('what is not given has its default', () => {
  assert.deepEqual(resolveLimits(), DEFAULT_LIMITS);
  assert.deepEqual(resolveLimits({ maxPayload: 10 }), { ...DEFAULT_LIMITS, maxPayload: 10 });
});

test('a limit that makes no sense is refused by name', () => {
  const wrong: Partial<Limits>[] = [
    { maxPayload: 0 },
    { maxPingsOut: 1.5 },
    { writeDeadlineMs: Number.NaN },
    { maxSubscriptions: -1 },
    JSON.parse('{"maxPayloads":1}'),
  ];
  for (const limits of wrong) {
    assert.throws(() => resolveLimits(limits), {
      code: 'invalid_option',
      message: new RegExp(Object.keys(limits)[0]!),
    });
  }
  assert.throws(() => resolveLimits({ maxPending: 10 }), { code: 'invalid_option', message: /maxPayload/ });
});
