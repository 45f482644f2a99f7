import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StallWatch } from './stall-watch.ts';

describe('the stall watch', () => {
  const silence = (watch: StallWatch, ticks: number, waiting = true) =>
    Array.from({ length: ticks }, () => watch.tick(0, waiting));

  it('asks a silent peer for a sign of life, and calls it stalled when none comes', () => {
    const watch = new StallWatch();
    assert.deepEqual(silence(watch, 7), ['watch', 'watch', 'ping', 'watch', 'watch', 'stalled', 'watch']);
    assert.equal(watch.stalled, true);
  });

  it('takes any sign of life for life', () => {
    const watch = new StallWatch();
    silence(watch, 6);
    assert.equal(watch.tick(1, true), 'alive');
    assert.equal(watch.stalled, false);
    assert.equal(watch.tick(1, true), 'watch');
  });

  it('never calls a slow peer stalled that answers pings', () => {
    const watch = new StallWatch();
    let heard = 0;
    for (let tick = 0; tick < 200; tick++) {
      const verdict = watch.tick(heard, true);
      if (verdict === 'ping') heard++;
      assert.notEqual(verdict, 'stalled');
    }
  });

  it('rests while no call waits', () => {
    const watch = new StallWatch();
    assert.deepEqual(silence(watch, 3, false), ['idle', 'idle', 'idle']);
    assert.deepEqual(silence(watch, 2), ['watch', 'ping']);
    assert.equal(watch.tick(0, false), 'idle');
  });

  it('goes on asking a stalled peer after the calls to it have been given up', () => {
    const watch = new StallWatch();
    silence(watch, 6);
    assert.equal(silence(watch, 20, false).filter((verdict) => verdict === 'ping').length, 2);
    assert.equal(watch.tick(1, false), 'alive');
    assert.equal(watch.tick(1, false), 'idle');
  });
});
