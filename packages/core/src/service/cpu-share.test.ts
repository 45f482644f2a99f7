import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuShare } from './cpu-share.ts';

test('the share of a core is that since the last measurement', () => {
  let cpu = 5_000;
  const share = new CpuShare(() => cpu);
  assert.equal(share.lately(0), 0);
  cpu += 80;
  assert.equal(share.lately(99), 0);
  assert.equal(share.lately(100), 0.8);
  assert.equal(share.lately(150), 0.8);
  cpu += 10;
  assert.equal(share.lately(1_100), 0.01);
});
