import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from 'flotilla/testing';
import { reconnecting } from './reconnect.ts';

/** Runs a script of connections: what each does, and what was told on the way. */
async function run(script: readonly ('fails' | 'works' | 'works and ends')[]): Promise<string[]> {
  const told: string[] = [];
  const stop = new AbortController();
  let at = 0;
  const done = reconnecting(
    async (healthy) => {
      const now = script[at++];
      if (now === undefined) {
        stop.abort();
        return;
      }
      if (now === 'fails') throw new RangeError('no');
      healthy();
      if (now === 'works') throw new RangeError('lost');
    },
    {
      signal: stop.signal,
      onAway: (error) => told.push(`away: ${error instanceof Error ? error.message : 'ended'}`),
      onBack: () => told.push('back'),
      leastMs: 1,
      mostMs: 2,
    },
  );
  await done;
  return told;
}

test('a service that is away is reported once, and so is its return', async () => {
  assert.deepEqual(await run(['works', 'fails', 'fails', 'works and ends', 'works']), [
    'away: lost',
    'back',
    'away: ended',
    'back',
    'away: lost',
  ]);
});

test('at the start, one that is a moment late is not away', async () => {
  assert.deepEqual(await run(['fails', 'fails', 'works']), ['away: lost']);
  assert.deepEqual(await run(['fails', 'fails', 'fails', 'fails']), ['away: no']);
});

test('it ends at once when told, also in a pause', async () => {
  const stop = new AbortController();
  let tries = 0;
  const done = reconnecting(
    async () => {
      tries += 1;
    },
    { signal: stop.signal, leastMs: 60_000, mostMs: 60_000 },
  );
  await waitFor(() => tries === 1);
  stop.abort();
  await done;
  assert.equal(tries, 1);
});
