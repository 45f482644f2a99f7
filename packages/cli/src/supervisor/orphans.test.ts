import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { identify } from '../data/process-identity.ts';
import { awaitOrphans } from './orphans.ts';

async function processThat(source: string) {
  const child = spawn(process.execPath, ['-e', `${source}; console.log('up')`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const identity = identify(child.pid ?? 0);
  assert.ok(identity);
  return identity;
}

describe('processes that outlived their supervisor', () => {
  it('are waited for while they end by themselves', async () => {
    const leaving = await processThat('setTimeout(() => {}, 100)');
    assert.deepEqual(await awaitOrphans([leaving]), []);
    assert.equal(identify(leaving.pid), undefined);
  });

  it('are killed when they hang, and named', async () => {
    const hanging = await processThat('setInterval(() => {}, 1000)');
    assert.deepEqual(await awaitOrphans([hanging], 50), [hanging]);
    assert.equal(identify(hanging.pid), undefined);
  });

  it('are never another process that has their pid now', async () => {
    const started = 'at another time';
    assert.deepEqual(await awaitOrphans([{ pid: process.pid, started }], 0), []);
  });
});
