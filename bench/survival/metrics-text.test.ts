import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumOf } from './metrics-text.ts';

const text = `# TYPE calls counter
calls_total{service="a",code="ok"} 3
calls_total{service="a",code="unavailable"} 4
calls_total{service="b",code="ok"} 5
calls_total_more{service="a"} 100
memory_bytes 1.5e6
`;

test('the series with all the labels are summed', () => {
  assert.equal(sumOf(text, 'calls_total', { service: 'a' }), 7);
  assert.equal(sumOf(text, 'calls_total', { code: 'ok' }), 8);
  assert.equal(sumOf(text, 'calls_total', { service: 'b', code: 'unavailable' }), 0);
  assert.equal(sumOf(text, 'memory_bytes', {}), 1_500_000);
});
