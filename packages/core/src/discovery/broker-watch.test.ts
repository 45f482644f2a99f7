import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerWatch } from './broker-watch.ts';

test('a broker that is heard now and then is there', () => {
  const watch = new BrokerWatch(0);
  for (let now = 0; now < 20_000; now += 1_000) {
    assert.equal(watch.isAway(now), false);
    assert.equal(watch.heard(now), false);
  }
});

test('it is asked for a sign of life well before it counts as away', () => {
  const watch = new BrokerWatch(0);
  assert.equal(watch.wantsProbe(999), false);
  assert.equal(watch.wantsProbe(1_000), true);
  assert.equal(watch.isAway(2_000), false);
  assert.equal(watch.isAway(2_001), true);
});

test('after a silence the first word says that words were missed, once', () => {
  const watch = new BrokerWatch(0);
  assert.equal(watch.heard(9_000), true);
  assert.equal(watch.heard(9_001), false);
});

test('a lost connection counts at once, until the broker is heard again', () => {
  const watch = new BrokerWatch(0);
  watch.lost();
  assert.equal(watch.isAway(1), true);
  assert.equal(watch.isConnected, false);
  assert.equal(watch.wantsProbe(5_000), false);
  assert.equal(watch.heard(5_000), true);
  assert.equal(watch.isConnected, true);
  assert.equal(watch.isAway(5_000), false);
});
