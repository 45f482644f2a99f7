import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runDurability } from './suite.ts';

test('the suite tells of every death what is owed and what came of it', async () => {
  const lines: string[] = [];
  const rows = await runDurability({ kills: 1, cuts: 1, seed: 1, talk: (line) => lines.push(line) });
  assert.equal(lines[0], 'seed 1');
  for (const { scenario, what, value } of rows) {
    assert.ok(!Number.isNaN(value), `${scenario}: ${what}`);
    if (what === 'acknowledged') assert.ok(value > 0, scenario);
  }
  const broken = rows.filter(({ what, holds }) => holds === false && !what.startsWith('ready again'));
  assert.deepEqual(broken, []);
});
