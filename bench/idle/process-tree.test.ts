import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { processTree } from './process-tree.ts';

const skip = process.platform === 'linux' ? false : '/proc is of Linux alone';

test('a process is told with those below it, and no others', { skip }, async () => {
  const script = `require('node:child_process').spawn(process.execPath, ['-e', 'console.log(process.pid); setInterval(() => {}, 1e6)'], { stdio: 'inherit' })`;
  const child = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const tree = processTree(child.pid!);
    assert.deepEqual(
      tree.map(({ pid }) => pid),
      [child.pid, Number(line)],
    );
    for (const { rssMiB, pssMiB, cpuMs } of tree) {
      assert.ok(pssMiB > 1 && pssMiB < rssMiB && rssMiB < 500, `${pssMiB} of ${rssMiB} MiB`);
      assert.ok(cpuMs > 0);
    }
    assert.ok(processTree(process.pid).length >= 3);
  } finally {
    process.kill(-child.pid!, 'SIGKILL');
  }
});

test('of a process that is gone nothing is told', { skip }, async () => {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  assert.deepEqual(processTree(child.pid!), []);
});
