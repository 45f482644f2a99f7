import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOverload } from './suite.ts';

test('the suite overload offers each load and tells what became of it', async () => {
  const rows = await runOverload({ rounds: 1, seconds: 0.3, talk: () => {} });
  const names = ['compute', 'query'].flatMap((operation) =>
    [0.8, 1, 2, 10].map((factor) => `${operation} × ${factor}`),
  );
  assert.deepEqual(
    rows.map(({ name }) => name),
    [...names, 'order × 0.3', 'report × 10'],
  );
  for (const { name, offeredPerSecond, answeredPerSecond, goodputPercent } of rows) {
    assert.ok(offeredPerSecond > 0 && answeredPerSecond > 0, name);
    assert.ok(goodputPercent > 0, name);
  }
  const tenfold = rows.find(({ name }) => name === 'compute × 10')!;
  assert.ok(tenfold.refusedPerSecond > tenfold.answeredPerSecond, 'most is refused');
  assert.ok(tenfold.refusalP99ms > 0);
});
