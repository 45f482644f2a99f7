import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace } from './pace.ts';

describe('a pace', () => {
  it('leaves time between turns', () => {
    const pace = new Pace(100);
    assert.deepEqual([pace.take(0), pace.take(0), pace.take(5), pace.take(100)], [0, 10, 15, 0]);
  });

  it('does not make up for what was late', () => {
    const pace = new Pace(10);
    pace.take(0);
    assert.deepEqual([pace.take(1_000), pace.take(1_000)], [0, 100]);
  });

  it('waits no longer once it is told to stop', async () => {
    const stop = new AbortController();
    const pace = new Pace(0.001);
    await pace.turn(stop.signal);
    const waiting = pace.turn(stop.signal);
    stop.abort();
    await waiting;
  });
});
