import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../discovery/instance.ts';
import { defaultPolicy } from '../resilience/policy.ts';
import { Endpoint } from './endpoint.ts';

test('an instance that answers nobody looks as slow as they have waited', () => {
  const endpoint = new Endpoint({ instance: 'stock-1' } as Instance, defaultPolicy.ejection);
  endpoint.sent(100);
  endpoint.ended(101);
  endpoint.answered(1, 101);
  assert.equal(endpoint.latencyAt(101), 1);
  endpoint.sent(200);
  endpoint.sent(205);
  assert.equal(endpoint.latencyAt(230), 30);
  endpoint.ended(240);
  assert.equal(endpoint.latencyAt(250), 10);
  endpoint.ended(251);
  assert.ok(endpoint.latencyAt(400) <= 1);
});
