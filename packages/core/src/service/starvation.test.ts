import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Starvation } from './starvation.ts';

describe('starvation', () => {
  it('is the time that passed without CPU, when a look comes late', () => {
    let cpu = 0;
    const starvation = new Starvation(() => cpu);
    starvation.look(0);
    starvation.look(10);
    cpu = 5;
    starvation.reckon(210);
    assert.equal(starvation.lostMs, 195);
    starvation.reckon(215);
    assert.equal(starvation.lostMs, 195);
  });

  it('is none when handlers had the event loop', () => {
    let cpu = 0;
    const starvation = new Starvation(() => cpu);
    starvation.look(0);
    cpu = 500;
    starvation.reckon(500);
    assert.equal(starvation.lostMs, 0);
  });

  it('is none while looks come in time, however idle the process', () => {
    const starvation = new Starvation(() => 0);
    for (let now = 0; now < 1_000; now += 10) starvation.look(now);
    assert.equal(starvation.lostMs, 0);
  });

  it('does not count while it does not matter', () => {
    const starvation = new Starvation(() => 0);
    starvation.look(0);
    starvation.rest();
    starvation.look(60_000);
    assert.equal(starvation.lostMs, 0);
  });
});
