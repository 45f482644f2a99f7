import assert from 'node:assert/strict';
import { test } from 'node:test';
import { between, type CallSample, failuresByCode, latency, slowUntil, windows } from './samples.ts';

const at = (time: number, ms: number, code = 'ok'): CallSample => ({ at: time, ms, code });

test('a call belongs to the window in which it was sent', () => {
  const samples = [at(99, 1), at(100, 1), at(349, 9, 'unavailable'), at(350, 5), at(1_099, 3), at(1_100, 1)];
  assert.deepEqual(windows(samples, 100, 1_100, 250), [
    { begins: 0, calls: 2, failed: 1, p99ms: 9 },
    { begins: 250, calls: 1, failed: 0, p99ms: 5 },
    { begins: 500, calls: 0, failed: 0, p99ms: Number.NaN },
    { begins: 750, calls: 1, failed: 0, p99ms: 3 },
  ]);
  assert.equal(between(samples, 100, 1_100).length, 4);
});

test('calls are slow until the end of the last window that is', () => {
  const all = windows([at(0, 1), at(250, 50), at(500, 1), at(750, 30), at(1_000, 1)], 0, 1_250, 250);
  assert.equal(slowUntil(all, 20), 1_000);
  assert.equal(slowUntil(all, 40), 500);
  assert.equal(slowUntil(all, 100), 0);
  assert.equal(slowUntil(all.slice(0, 4), 20), 1_000);
});

test('failed calls count by code, and their latency counts too', () => {
  const samples = [at(0, 1), at(0, 10, 'unavailable'), at(0, 2, 'overloaded'), at(0, 3, 'unavailable')];
  assert.equal(failuresByCode(samples), 'unavailable 2, overloaded 1');
  assert.equal(failuresByCode([at(0, 1)]), '');
  assert.equal(latency(samples, 99), 10);
});
