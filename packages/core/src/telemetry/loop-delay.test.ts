import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DelayHistogram, LoopDelayWindows } from './loop-delay.ts';

class Delays implements DelayHistogram {
  readonly #delays: number[] = [];
  add(seconds: number): void {
    this.#delays.push(seconds * 1e9);
  }
  get count(): number {
    return this.#delays.length;
  }
  get mean(): number {
    return this.#delays.reduce((total, delay) => total + delay, 0) / this.count;
  }
  get max(): number {
    return Math.max(...this.#delays);
  }
  percentile(): number {
    return this.max;
  }
  reset(): void {
    this.#delays.length = 0;
  }
}

test('a reading has what was delayed since the last one', () => {
  const delays = new Delays();
  const windows = new LoopDelayWindows(delays, 0);
  assert.deepEqual(windows.read(1_000), { mean: 0, p99: 0, max: 0 });
  delays.add(0.5);
  delays.add(1.5);
  assert.deepEqual(windows.read(2_000), { mean: 1, p99: 1.5, max: 1.5 });
});

test('a bad moment is seen by every reader for at least 10 s, and no more after 20 s', () => {
  const delays = new Delays();
  const windows = new LoopDelayWindows(delays, 0);
  delays.add(2);
  const seen = [];
  for (let second = 1; second <= 30; second++) if (windows.read(second * 1_000).max === 2) seen.push(second);
  assert.deepEqual(
    seen,
    Array.from({ length: seen.length }, (_, index) => index + 1),
  );
  assert.ok(seen.length >= 10 && seen.length <= 20, String(seen.length));
});

test('a rare reader sees all since its last reading, and nothing twice', () => {
  const delays = new Delays();
  const windows = new LoopDelayWindows(delays, 0);
  delays.add(2);
  assert.equal(windows.read(60_000).max, 2);
  delays.add(0.001);
  assert.equal(windows.read(120_000).max, 0.001);
});
