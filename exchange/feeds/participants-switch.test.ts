import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParticipantsSwitch } from './participants-switch.ts';
import { feedsDatabase } from './testing/feeds-database.ts';

test('it is on at first, and what an operator said last survives a restart', async () => {
  const database = feedsDatabase();
  const first = new ParticipantsSwitch(database);
  assert.equal(first.paused, false);
  const done = first.turn('paused');
  assert.equal(first.paused, true);
  await done;
  const second = new ParticipantsSwitch(database);
  assert.equal(second.paused, true);
  await second.turn('trading');
  assert.equal(new ParticipantsSwitch(database).paused, false);
});
