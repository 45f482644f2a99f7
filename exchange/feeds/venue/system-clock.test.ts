import assert from 'node:assert/strict';
import test from 'node:test';
import { systemClock } from './system-clock.ts';

test('a sleep lasts at least as long as asked', async () => {
  const begin = systemClock.now();
  await systemClock.sleep(5.5, undefined);
  assert.ok(systemClock.now() - begin >= 5.5);
});

test('a sleep ends quietly when it is aborted, before or meanwhile', { timeout: 10_000 }, async () => {
  await systemClock.sleep(1e12, AbortSignal.abort());
  const abort = new AbortController();
  setImmediate(() => abort.abort());
  await systemClock.sleep(1e12, abort.signal);
});
