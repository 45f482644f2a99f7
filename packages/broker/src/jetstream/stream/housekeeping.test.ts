import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Steps } from '../steps.ts';
import { waitUntil } from '../testing/in-process.ts';
import { MemoryLog } from '../testing/memory-log.ts';
import { Housekeeping } from './housekeeping.ts';
import type { MessageLog } from './message-log.ts';
import { readConfig } from './read-config.ts';
import type { StreamConfig } from './stream-config.ts';
import { SubjectFilter } from './subject-filter.ts';

const MANY = 3_000;

interface Bench {
  readonly bench: MemoryLog;
  readonly log: MessageLog;
  readonly steps: Steps;
  readonly housekeeping: Housekeeping;
}

/** A log with 3000 messages of the subjects `s.0` to `s.2` in turn. */
function start(): Bench {
  const bench = new MemoryLog();
  bench.fill(Array.from({ length: MANY }, (_, i) => `s.${i % 3}`));
  const steps = new Steps((error) => {
    throw error;
  });
  return { bench, log: bench.log, steps, housekeeping: new Housekeeping(bench.log, steps) };
}

function limits(members: Readonly<Record<string, unknown>>): StreamConfig {
  return readConfig({ name: 'S', subjects: ['s.*'], ...members }, 'S');
}

test('what is over a new limit goes in steps, the oldest first', async () => {
  const { bench, log, steps, housekeeping } = start();
  housekeeping.trim(limits({ max_msgs: 10 }));
  assert.ok(log.messages > 10, 'not all at once');
  assert.ok(log.messages < MANY, 'some at once');
  await waitUntil(() => steps.pending === 0);
  assert.deepEqual([log.messages, log.firstSequence], [10, MANY - 9]);
  assert.equal(bench.removed.length, MANY - 10);
});

test('what is over a new limit per subject goes in steps, also when it is all of one subject', async () => {
  const { log, steps, housekeeping } = start();
  housekeeping.trim(limits({ max_msgs_per_subject: 2 }));
  assert.ok(log.messages > 6, 'not all at once');
  await waitUntil(() => steps.pending === 0);
  assert.deepEqual(log.sequences(0, 10), [MANY - 5, MANY - 4, MANY - 3, MANY - 2, MANY - 1, MANY]);
});

test('a purge of a subject keeps what it was told to keep, and tells nobody of single messages', async () => {
  const { bench, log, steps, housekeeping } = start();
  const ends: number[][] = [];
  housekeeping.purge({ filter: new SubjectFilter('s.1'), before: undefined, keep: 3 }, ({ purged, end }) =>
    ends.push([purged, end]),
  );
  assert.deepEqual(ends, [], 'not all at once');
  await waitUntil(() => steps.pending === 0);
  // The last that went is the fourth from the end of s.1, whose sequences are 2, 5, 8, …
  assert.deepEqual(ends, [[997, MANY - 1 - 3 * 3 + 1]]);
  assert.equal(log.subjects.find('s.1')?.messages, 3);
  assert.equal(log.messages, MANY - 997);
  assert.deepEqual(bench.removed, []);
});

test('a purge does not reach what is published after it', async () => {
  const { bench, log, steps, housekeeping } = start();
  housekeeping.purge({ filter: undefined, before: undefined, keep: 0 }, () => {});
  bench.fill(['s.0', 's.1']);
  await waitUntil(() => steps.pending === 0);
  assert.deepEqual(log.sequences(0, 5), [MANY + 1, MANY + 2]);
});

test('messages that nobody needs any more are sifted out', async () => {
  const { log, steps, housekeeping } = start();
  housekeeping.sift(1_001, (sequence) => sequence % 100 === 0);
  await waitUntil(() => steps.pending === 0);
  assert.equal(log.messages, 1_000 + 20);
  assert.deepEqual(log.sequences(1_001, 2), [1_100, 1_200]);
});

test('nothing goes on when the stream has ended', async () => {
  const { log, steps, housekeeping } = start();
  housekeeping.trim(limits({ max_msgs: 1 }));
  const { messages } = log;
  housekeeping.close();
  await waitUntil(() => steps.pending === 0);
  assert.equal(log.messages, messages);
});
