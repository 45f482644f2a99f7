import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InProgressSchedule } from './in-progress-schedule.ts';

describe('signs of life for messages in hand', () => {
  it('are due after a third of the time, again and again', () => {
    const schedule = new InProgressSchedule<string>(30_000);
    schedule.taken('a', 0);
    schedule.taken('b', 4_000);
    assert.deepEqual(schedule.due(9_999), []);
    assert.deepEqual(schedule.due(10_000), ['a']);
    assert.deepEqual(schedule.due(13_999), []);
    assert.deepEqual(schedule.due(20_000), ['b', 'a']);
  });

  it('end with the message', () => {
    const schedule = new InProgressSchedule<string>(30_000);
    schedule.taken('a', 0);
    schedule.ended('a');
    assert.deepEqual(schedule.due(60_000), []);
    assert.equal(schedule.size, 0);
  });

  it('begin anew when a message is delivered again', () => {
    const schedule = new InProgressSchedule<string>(30_000);
    schedule.taken('a', 0);
    schedule.taken('b', 1);
    schedule.taken('a', 9_000);
    assert.deepEqual(schedule.due(10_001), ['b']);
    assert.deepEqual(schedule.due(19_000), ['a']);
  });
});
