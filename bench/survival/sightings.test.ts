import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstSeen, SightingLog } from './sightings.ts';

test('only changes are kept, and one who is missing is unused', () => {
  const log = new SightingLog();
  log.see(
    new Map([
      ['echo-1', 'used'],
      ['echo-2', 'used'],
    ]),
    1,
  );
  log.see(
    new Map([
      ['echo-1', 'used'],
      ['echo-2', 'unused'],
    ]),
    2,
  );
  log.see(new Map([['echo-2', 'unused']]), 3);
  log.see(
    new Map([
      ['echo-1', 'used'],
      ['echo-2', 'unused'],
    ]),
    4,
  );
  assert.deepEqual(log.sightings.slice(2), [
    { at: 2, subject: 'echo-2', state: 'unused' },
    { at: 3, subject: 'echo-1', state: 'unused' },
    { at: 4, subject: 'echo-1', state: 'used' },
  ]);
});

test('a state is looked for from a moment on', () => {
  const log = new SightingLog();
  for (const [at, state] of [
    [1, 'open'],
    [5, 'closed'],
    [9, 'open'],
  ] as const) {
    log.see(new Map([['front.needy', state]]), at);
  }
  assert.equal(firstSeen(log.sightings, 'front.needy', 'open', 2), 7);
  assert.equal(firstSeen(log.sightings, 'front.needy', 'half_open', 0), Number.NaN);
  assert.equal(firstSeen(log.sightings, 'front.plain', 'open', 0), Number.NaN);
});
