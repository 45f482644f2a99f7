import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogEntry } from '@exchange/matching';
import { LogHandover } from './log-handover.ts';

const entry = (sequence: number): LogEntry => ({ sequence, time: 0, events: [] });

test('who joins gets what came since it began to ask, and all that comes', () => {
  const handover = new LogHandover();
  const seen: number[] = [];
  handover.take(entry(1));
  handover.keep();
  handover.take(entry(2));
  // The first attempt failed.
  handover.keep();
  handover.take(entry(3));
  handover.take(entry(4));
  handover.handTo(({ sequence }) => seen.push(sequence));
  handover.take(entry(5));
  assert.deepEqual(seen, [3, 4, 5]);
});
