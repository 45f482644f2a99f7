import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReleaseGate } from './release-gate.ts';

test('those who wait go a few at a time, and in growing numbers while calls end', () => {
  const gate = new ReleaseGate();
  let waiting = 1_000;
  let underWay = 0;
  const go = (count: number) => {
    const going = Math.min(count, waiting);
    waiting -= going;
    underWay += going;
  };
  go(gate.opened());
  assert.equal(underWay, 8);
  let most = 0;
  for (let ends = 1; underWay > 0; ends++) {
    underWay--;
    go(gate.ended());
    most = Math.max(most, underWay);
    assert.ok(underWay <= 8 + ends / 8);
  }
  assert.equal(waiting, 0);
  assert.ok(most > 64, `${most} under way at most`);
});

test('the next instance begins with a few again', () => {
  const gate = new ReleaseGate();
  gate.opened();
  for (let n = 0; n < 7; n++) assert.equal(gate.ended(), 1);
  assert.equal(gate.opened(), 8);
  assert.equal(gate.ended(), 1);
});
