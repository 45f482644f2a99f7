import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instance } from '../discovery/instance.ts';
import { PlannedRestarts } from './planned-restarts.ts';

const matching = (state: Instance['state']) => ({ service: 'matching', state }) as Instance;

describe('planned restarts', () => {
  it('begin when the last instance drains, and end a moment after it is back', () => {
    const restarts = new PlannedRestarts();
    assert.equal(restarts.underWay(0), false);
    restarts.changed(matching('draining'), 0, 5_000, 0);
    assert.equal(restarts.underWay(800), true);
    restarts.changed(matching('ready'), 1, 5_000, 1_000);
    assert.equal(restarts.underWay(1_400), true);
    assert.equal(restarts.underWay(1_500), false);
  });

  it('are none while another instance takes the calls', () => {
    const restarts = new PlannedRestarts();
    restarts.changed(matching('draining'), 1, 5_000, 0);
    assert.equal(restarts.underWay(1), false);
  });

  it('are over when nobody waits any more, though the service has not come back', () => {
    const restarts = new PlannedRestarts();
    restarts.changed(matching('draining'), 0, 5_000, 0);
    assert.equal(restarts.underWay(4_999), true);
    assert.equal(restarts.underWay(5_000), false);
  });
});
