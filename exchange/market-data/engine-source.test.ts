import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MatchingInMemory } from '@exchange/matching/testing';
import { updatesOf } from './engine-source.ts';

test('the public part of the log is its trades and book changes, in order and without accounts', () => {
  const matching = new MatchingInMemory(['BTC-USD']);
  matching.submit('maker-00001', 'alice', { side: 'sell', price: 105, quantity: 4 });
  matching.submit('taker-00001', 'bob', { side: 'buy', price: 105, quantity: 3 });
  const updates = matching.log.flatMap(updatesOf);
  const time = matching.log.at(-1)!.time;
  assert.deepEqual(
    updates.map(({ sequence }) => sequence),
    [1, 2, 3],
  );
  assert.deepEqual(updates.slice(1), [
    { kind: 'trade', symbol: 'BTC-USD', sequence: 2, time, id: 1, price: 105, quantity: 3, side: 'buy' },
    {
      kind: 'book',
      symbol: 'BTC-USD',
      sequence: 3,
      time,
      changes: [{ side: 'sell', price: 105, quantity: 1 }],
    },
  ]);
  assert.doesNotMatch(JSON.stringify(updates), /alice|bob|maker|taker/);
});
