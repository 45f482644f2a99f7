import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { explainPolicy } from 'flotilla';
import { repository } from './fleet-process.ts';

test('docs/resilience.md gives every setting of a policy with its default', () => {
  const text = readFileSync(join(repository, 'docs/resilience.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `([a-zA-Z.]+)` +\| ([^|]+?) +\|/gm)]
    .map(([, key, value]) => [key, value!.replaceAll('`', '')])
    .filter(([key]) => !key!.startsWith('unavailable'));
  const actual = explainPolicy([], 'any', 'any').map(({ key, value }) => [key, String(value)]);
  assert.deepEqual(documented.sort(), actual.sort());
});
