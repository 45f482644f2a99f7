import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdaptiveLimit } from './adaptive-limit.ts';
import { type SimulatedLoad, type SimulatedSecond, simulate } from './simulated-server.ts';

const always = (value: number) => () => value;

/** Eight at a time, 20 ms each: 400 a second at most, and fewer when it is crowded. */
const resource: SimulatedLoad = {
  seconds: 20,
  slots: always(8),
  workMs: always(20),
  perSecond: always(4000),
  contention: 1.3,
  spread: 0.3,
};

function average(seconds: readonly SimulatedSecond[], field: keyof SimulatedSecond): number {
  return seconds.reduce((sum, second) => sum + second[field], 0) / seconds.length;
}

/** Time that passes when it is told to. */
function clock() {
  let now = 0;
  return {
    after(milliseconds: number): number {
      now += milliseconds;
      return now;
    },
  };
}

function assertBetween(value: number, least: number, most: number, what: string): void {
  assert.ok(value >= least && value <= most, `${what} is ${value}, not between ${least} and ${most}`);
}

test('at ten times the load it settles near the knee, where nearly everything possible is answered', () => {
  const settled = simulate(new AdaptiveLimit(), resource).slice(5);
  assertBetween(average(settled, 'limit'), 8, 13, 'the limit');
  assertBetween(average(settled, 'answered'), 345, 420, 'answers in a second');
  assertBetween(average(settled, 'averageMs'), 18, 38, 'the latency');
});

test('it settles near the knee also where that is far above its start', () => {
  const load = { ...resource, slots: always(100), perSecond: always(20_000) };
  const settled = simulate(new AdaptiveLimit(), load).slice(5);
  assertBetween(average(settled, 'limit'), 85, 145, 'the limit');
  assertBetween(average(settled, 'answered'), 4400, 5200, 'answers in a second');
});

test('started in the middle of an overload, it finds out what latency is without one', () => {
  const load = { ...resource, contention: 2, perSecond: always(8000) };
  const settled = simulate(new AdaptiveLimit(), load).slice(5);
  assertBetween(average(settled, 'averageMs'), 18, 40, 'the latency');
});

test('it follows a resource that becomes larger', () => {
  const load = { ...resource, seconds: 25, slots: (now: number) => (now < 10_000 ? 8 : 64) };
  const seconds = simulate(new AdaptiveLimit(), load);
  assertBetween(average(seconds.slice(5, 10), 'limit'), 8, 14, 'the limit before');
  assertBetween(average(seconds.slice(17), 'limit'), 55, 90, 'the limit after');
});

test('work that becomes slower by itself is not taken for overload for long', () => {
  const load: SimulatedLoad = {
    ...resource,
    slots: always(1e6),
    perSecond: always(300),
    workMs: (now) => (now < 5_000 ? 20 : 200),
  };
  const seconds = simulate(new AdaptiveLimit(), load);
  assertBetween(average(seconds.slice(0, 5), 'answered'), 280, 320, 'answers in a second before');
  assertBetween(average(seconds.slice(8), 'answered'), 270, 320, 'answers in a second after');
});

test('under low load it stays as it is, whatever the latency does', () => {
  const load: SimulatedLoad = {
    ...resource,
    perSecond: always(40),
    spread: 0.9,
    workMs: (now) => (now % 5_000 < 2_500 ? 20 : 80),
  };
  for (const { limit } of simulate(new AdaptiveLimit({ start: 64 }), load)) assert.equal(limit, 64);
});

test('calls that only wait, however unevenly, are not taken for overload', () => {
  for (const perSecond of [500, 1_000]) {
    for (const spread of [0, 0.3, 0.6, 0.95]) {
      const load: SimulatedLoad = {
        ...{ seconds: 12, slots: always(1e6), workMs: always(300), contention: 1 },
        ...{ perSecond: always(perSecond), spread },
      };
      const settled = simulate(new AdaptiveLimit(), load).slice(4);
      const what = `answers of ${perSecond} in a second at a spread of ${spread}`;
      assertBetween(average(settled, 'answered'), perSecond * 0.95, perSecond * 1.05, what);
    }
  }
});

test('a change of the mix of operations is no change of speed', () => {
  const limit = new AdaptiveLimit({ start: 20, max: 20 });
  const quick = limit.operation();
  const slow = limit.operation();
  const { after } = clock();
  const run = (operation: typeof quick, latencyMs: number, calls: number) => {
    for (let n = 0; n < calls; n++) limit.record(operation, latencyMs, 15, after(5));
  };
  run(quick, 2, 200);
  run(slow, 300, 200);
  const before = limit.limit;
  assert.ok(before >= 20);
  run(quick, 2, 100);
  run(slow, 300, 100);
  assert.ok(limit.limit >= before, `it fell from ${before} to ${limit.limit}`);
});

test('from its start it doubles while it is full and latency does not care, and takes the last step back', () => {
  const limit = new AdaptiveLimit({ start: 16 });
  const operation = limit.operation();
  const { after } = clock();
  /** As many calls as there may be begin together and end together. */
  const window = (latencyMs: number) => {
    const calls = limit.limit;
    for (let n = 0; n < calls; n++) operation.began(after(0));
    after(latencyMs);
    for (let left = calls; left > 0; left--) {
      limit.record(operation, latencyMs, left, after(0));
      operation.ended(after(0));
    }
    return limit.limit;
  };
  assert.deepEqual([window(300), window(310), window(290)], [32, 64, 128]);
  assert.equal(limit.isGrowing, true);
  assert.equal(window(700), 64);
  assert.equal(limit.isGrowing, false);
});

test('it keeps its bounds', () => {
  const limit = new AdaptiveLimit({ min: 4, start: 10, max: 20 });
  const operation = limit.operation();
  const { after } = clock();
  let highest = 0;
  for (let n = 0; n < 2_000; n++) {
    limit.record(operation, 10, limit.limit, after(6));
    highest = Math.max(highest, limit.limit);
  }
  assert.equal(highest, 20);
  // Never quite full, so that nothing is measured anew.
  for (let n = 0; n < 1_000; n++) limit.record(operation, 500, limit.limit - 1, after(6));
  assert.equal(limit.limit, 4);
});

test('a measurement that long calls hold up is given up, or they would hold the limit for ever', () => {
  const limit = new AdaptiveLimit({ start: 40, max: 40 });
  const operation = limit.operation();
  const { after } = clock();
  let lowered = false;
  for (let n = 0; n < 1_000 && !lowered; n++) {
    const before = limit.limit;
    limit.record(operation, 10, before, after(6));
    lowered = limit.limit < before * 0.6;
  }
  assert.ok(lowered, 'a measurement begins');
  const halved = limit.limit;
  limit.tick(after(500));
  assert.equal(limit.limit, halved);
  limit.tick(after(1_500));
  assert.ok(limit.limit > halved * 1.6);
});
