import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseChannel } from './balancer.ts';
import type { Channel } from './channel.ts';

const channels = [5, 0, 9].map((inFlight) => ({ inFlight }) as Channel);

test('of two different channels the one with fewer calls in flight is chosen', () => {
  for (let a = 0; a < 1; a += 0.01) {
    for (let b = 0; b < 1; b += 0.05) {
      const numbers = [a, b];
      const chosen = chooseChannel(channels, () => numbers.shift()!);
      // The busiest of three is never the better one of two.
      assert.notEqual(chosen?.inFlight, 9);
    }
  }
});

test('one channel needs no choice, and none gives none', () => {
  const never = () => assert.fail('no choice to be made');
  assert.equal(chooseChannel(channels.slice(0, 1), never), channels[0]);
  assert.equal(chooseChannel([], never), undefined);
});
