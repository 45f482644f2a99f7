import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GroupReport } from 'flotilla/operators';
import { consumerTable, consumerText } from './consumer-text.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');

describe('consumer groups for people', () => {
  const work: GroupReport = {
    group: 'ledger',
    service: 'orders',
    kind: 'work',
    event: 'placed',
    stream: 'shop_orders',
    lag: 4,
    oldest: new Date(NOW - 90_000),
    inFlight: 2,
    retries: 1,
    deadLetters: 0,
    givenBack: 0,
    members: [],
    partitions: [],
    consumer: { name: 'work_ledger_placed', delivered: 12, ackFloor: 9, waiting: 3 },
  };
  const partition = { epoch: 3, inFlight: 0, retries: 0, deadLetters: 0, reported: new Date(NOW - 1_500) };
  const ordered: GroupReport = {
    group: 'mail',
    service: 'orders',
    kind: 'subscribe',
    stream: 'shop_orders',
    lag: 3,
    inFlight: 0,
    retries: 0,
    deadLetters: 2,
    givenBack: 1,
    members: [
      { instance: 'mail-1', seen: new Date(NOW - 1_000) },
      { instance: 'mail-2', seen: new Date(NOW - 60_000) },
    ],
    partitions: [
      { partition: 0, owner: 'mail-1', checkpoint: 12, lag: 0, ...partition },
      { partition: 1, checkpoint: -1, lag: 3, ...partition, oldest: new Date(NOW - 60_000) },
    ],
  };

  it('are one line each, and line up', () => {
    assert.deepEqual(consumerTable([work, ordered], NOW).split('\n'), [
      'GROUP   READS          LAG  OLDEST  IN FLIGHT  RETRIES  DEAD  GIVEN BACK  MEMBERS  HOW',
      'ledger  orders.placed    4    1.5m          2        1     0           0        3  work',
      'mail    orders           3       -          0        0     2           1        1  subscribe',
      '',
    ]);
  });

  it('are told in full, with their partitions', () => {
    const text = consumerText(ordered, NOW);
    assert.match(
      text,
      /^mail\nreads +orders \(shop_orders\), in 2 partitions, each by one member in order\n/,
    );
    assert.match(
      text,
      /dead letters +2\ngiven back +1 not handled yet\nmembers +mail-1, mail-2 \(silent for 1m\)\n/,
    );
    assert.match(text, /\n +0 {2}mail-1 +3 +12 +0 +- +0 +0 +0 +1\.5s\n/);
    assert.match(text, /\n +1 {2}- +3 +- +3 +1m +0 +0 +0 +1\.5s\n$/);
    assert.match(consumerText({ ...ordered, members: [] }, NOW), /members +none: nobody reads\n/);
  });

  it('that compete are told by their consumer', () => {
    const text = consumerText(work, NOW);
    assert.match(text, /as work, each message by any member\nlag +4, the oldest 1\.5m old\n/);
    assert.match(text, /redelivered +1\n/);
    assert.match(text, /consumer +work_ledger_placed, handed out to #12, done to #9\n$/);
  });
});
