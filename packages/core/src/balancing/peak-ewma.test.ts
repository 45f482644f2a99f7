import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, double, integer, property, record } from 'fast-check';
import { PeakEwma } from './peak-ewma.ts';

test('a higher latency counts at once, a lower one only with time', () => {
  const latency = new PeakEwma();
  latency.observe(10, 0);
  latency.observe(200, 1);
  assert.equal(latency.at(1), 200);
  latency.observe(10, 2);
  assert.ok(latency.at(2) > 199);
  for (let now = 10; now <= 60_000; now += 10) latency.observe(10, now);
  assert.ok(Math.abs(latency.at(60_000) - 10) < 1, `${latency.at(60_000)} after a minute of 10`);
});

test('a peak counts for 1/e of itself after ten seconds of lower latencies', () => {
  const latency = new PeakEwma();
  latency.observe(1_000, 0);
  for (let now = 10; now <= 10_000; now += 10) latency.observe(1, now);
  assert.ok(Math.abs(latency.at(10_000) - 1_000 / Math.E) < 1, `${latency.at(10_000)}`);
});

test('what is not observed any more fades within seconds, so that it is tried again', () => {
  const latency = new PeakEwma();
  latency.observe(100, 5_000);
  assert.ok(latency.at(6_000) > 90);
  assert.ok(latency.at(11_000) < 1);
  assert.ok(latency.at(15_000) > 0);
});

test('nothing is known before the first answer', () => {
  assert.equal(new PeakEwma().at(1_000), 0);
});

test('it stays between the last and the highest latency seen, and only falls until the next', () => {
  const observations = record({
    latency: double({ min: 0, max: 1e6, noNaN: true }),
    pause: integer({ min: 0, max: 30_000 }),
  });
  check(
    property(observations, observations, observations, (...seen) => {
      const latency = new PeakEwma();
      let now = 0;
      let highest = 0;
      for (const each of seen) {
        now += each.pause;
        highest = Math.max(highest, each.latency);
        latency.observe(each.latency, now);
        assert.ok(latency.at(now) >= each.latency - 1e-9);
        assert.ok(latency.at(now) <= highest + 1e-9);
        assert.ok(latency.at(now + 1_000) <= latency.at(now));
      }
    }),
  );
});
