import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../testing/memory-log.ts';
import { enforceLimits, enforceSubjectLimit, overLimit } from './limits.ts';
import { readConfig } from './read-config.ts';
import type { StreamConfig } from './stream-config.ts';

/** What a message of `MemoryLog.fill` with a subject of three characters counts for. */
const SIZE = 34;

function config(members: Readonly<Record<string, unknown>>): StreamConfig {
  return readConfig({ name: 'S', subjects: ['s.*'], discard: 'new', ...members }, 'S');
}

function bench(): MemoryLog {
  const bench = new MemoryLog();
  bench.fill(['s.a', 's.b', 's.a']);
  return bench;
}

test('what does not fit is refused under the policy that keeps the old', () => {
  const { log } = bench();
  const over = (members: Readonly<Record<string, unknown>>, subject: string): string | undefined =>
    overLimit(log, config(members), log.subjects.find(subject), SIZE);
  assert.equal(over({}, 's.a'), undefined);
  assert.equal(over({ max_msgs: 4 }, 's.a'), undefined);
  assert.equal(over({ max_msgs: 3 }, 's.a'), 'maximum messages exceeded');
  assert.equal(over({ max_bytes: 4 * SIZE }, 's.a'), undefined);
  assert.equal(over({ max_bytes: 4 * SIZE - 1 }, 's.a'), 'maximum bytes exceeded');
  assert.equal(over({ max_msgs: 1, discard: 'old' }, 's.a'), undefined);
});

test('a message that takes the place of an older one of its subject needs no room of its own', () => {
  const { log } = bench();
  const full = { max_msgs: 3, max_bytes: 3 * SIZE, max_msgs_per_subject: 2 };
  assert.equal(overLimit(log, config(full), log.subjects.find('s.a'), SIZE), undefined);
  assert.equal(overLimit(log, config(full), log.subjects.find('s.a'), SIZE + 1), 'maximum bytes exceeded');
  assert.equal(overLimit(log, config(full), log.subjects.find('s.b'), SIZE), 'maximum messages exceeded');
  const kept = config({ ...full, discard_new_per_subject: true });
  assert.equal(overLimit(log, kept, log.subjects.find('s.a'), SIZE), 'maximum messages per subject exceeded');
});

test('the oldest go until the limits hold, so many at a time', () => {
  const { log } = bench();
  assert.equal(enforceLimits(log, config({ max_msgs: 1 }), 1), false);
  assert.equal(log.firstSequence, 2);
  assert.equal(enforceLimits(log, config({ max_msgs: 1 }), 1), true);
  assert.equal(enforceLimits(log, config({ max_bytes: SIZE - 1 }), 9), true);
  assert.equal(log.messages, 0);
});

test('the oldest of a subject go until its limit holds, so many at a time', () => {
  const memory = bench();
  const { log } = memory;
  memory.fill(['s.a', 's.a']);
  const subject = log.subjects.find('s.a')!;
  assert.equal(enforceSubjectLimit(log, config({ max_msgs_per_subject: 1 }), subject, 2), false);
  assert.equal(enforceSubjectLimit(log, config({ max_msgs_per_subject: 1 }), subject, 2), true);
  assert.deepEqual(log.sequences(0, 9), [2, 5]);
});
