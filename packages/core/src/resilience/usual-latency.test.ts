import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsualLatency } from './usual-latency.ts';

test('the first latencies count alike', () => {
  const usual = new UsualLatency();
  for (const ms of [10, 20, 30, 40]) usual.learn(ms, 0, 4);
  assert.equal(usual.known, 4);
  assert.ok(Math.abs(usual.meanMs - 25) < 1e-9);
});

test('what comes later is learned at the pace of time and not of calls', () => {
  const meanAfterAMinute = (callsPerSecond: number) => {
    const usual = new UsualLatency();
    for (let n = 0; n < 10; n++) usual.learn(10, 0, 10);
    for (let n = 1; n <= 60 * callsPerSecond; n++) usual.learn(110, (n / callsPerSecond) * 1_000, 10);
    return usual.meanMs;
  };
  for (const rate of [1, 10, 1_000]) assert.ok(Math.abs(meanAfterAMinute(rate) - 28) < 0.2);
});

test('no single latency weighs more than one of the first, however long it was silent', () => {
  const usual = new UsualLatency();
  for (let n = 0; n < 10; n++) usual.learn(10, 0, 10);
  usual.learn(1_010, 86_400_000, 10);
  assert.ok(Math.abs(usual.meanMs - 110) < 1e-9);
});
