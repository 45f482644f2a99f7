import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from './seeded-random.ts';

test('a seed gives its own numbers, evenly spread', () => {
  const take = (seed: number) => Array.from({ length: 10_000 }, seededRandom(seed));
  const numbers = take(1);
  assert.deepEqual(numbers, take(1));
  assert.notDeepEqual(numbers, take(2));
  for (const number of numbers) assert.ok(number >= 0 && number < 1);
  const mean = numbers.reduce((sum, number) => sum + number) / numbers.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02, `${mean}`);
});
