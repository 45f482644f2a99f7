import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientBacklog } from './backlog.ts';

const MIB = 1_048_576;

test('a client is saturated from a mebibyte on, and relieved at half of that', () => {
  let pending = 0;
  const backlog = new ClientBacklog(() => pending, 64 * MIB);
  const calls: string[] = [];
  pending = MIB;
  assert.equal(backlog.saturated, false);
  pending++;
  assert.equal(backlog.saturated, true);
  const listener = (): unknown => calls.push('again');
  backlog.whenRelieved(listener);
  backlog.whenRelieved(listener);
  pending = MIB / 2;
  backlog.drained();
  assert.deepEqual(calls, []);
  pending--;
  backlog.drained();
  backlog.drained();
  assert.deepEqual(calls, ['again'], 'each listener is told once');
});

test('a small limit saturates earlier, before the client would be cut off', () => {
  const backlog = new ClientBacklog(() => 51, 100);
  assert.equal(backlog.saturated, true);
});

test('those who wait hear when the client is gone', () => {
  let calls = 0;
  const backlog = new ClientBacklog(() => 2 * MIB, 64 * MIB);
  backlog.whenRelieved(() => calls++);
  backlog.end();
  assert.equal(calls, 1);
});
