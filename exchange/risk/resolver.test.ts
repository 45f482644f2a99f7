import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { Resolver } from './resolver.ts';

/** What a test starts ends with it, also where it fails. */
function stopAfterwards(): AbortController {
  const stop = new AbortController();
  after(() => stop.abort());
  return stop;
}

test('it settles what is open at the start and what comes later, and tries again what fails', async () => {
  const open = new Set(['a', 'b']);
  const tries = new Map<string, number>();
  const stop = stopAfterwards();
  const resolver = new Resolver({
    open: () => open,
    async settle(item) {
      const times = (tries.get(item) ?? 0) + 1;
      tries.set(item, times);
      if (item === 'b' && times < 3) throw new RangeError('not yet');
      open.delete(item);
    },
    log: silentLogger,
    signal: stop.signal,
  });
  await waitFor(() => open.size === 0);
  assert.deepEqual(
    [...tries],
    [
      ['a', 1],
      ['b', 3],
    ],
  );
  open.add('c');
  resolver.wake();
  await waitFor(() => open.size === 0);
  stop.abort();
  await resolver.closed;
});

test('at most thirty-two are under way at once, and it stops when told', async () => {
  let underWay = 0;
  let most = 0;
  const stop = stopAfterwards();
  const resolver = new Resolver({
    open: () => Array.from({ length: 200 }, (_, index) => index),
    async settle() {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
    },
    log: silentLogger,
    signal: stop.signal,
  });
  await waitFor(() => most > 0 && underWay === 0);
  assert.equal(most, 32);
  stop.abort();
  await resolver.closed;
});
