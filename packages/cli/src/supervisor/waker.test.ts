import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { until } from '../testing/until.ts';
import { viewProcess } from './outside-view.ts';

const started: ChildProcess[] = [];
function run(command: string, ...args: string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Stops a process; given its end, calls the waking off. */
async function stopping(pid: number, then: 'lives' | 'calls off'): Promise<ChildProcess> {
  const module = JSON.stringify(new URL('./waker.ts', import.meta.url).href);
  const end = then === 'lives' ? '' : 'callOff();';
  const source = `
    import { wakeAfterUs } from ${module};
    process.kill(${pid}, 'SIGSTOP');
    const callOff = wakeAfterUs(${pid});
    ${end}
    setInterval(() => {}, 1000);
    console.log('up');`;
  const supervisor = run(process.execPath, '--input-type=module', '-e', source);
  assert.ok(supervisor.stdout);
  await once(supervisor.stdout, 'data');
  return supervisor;
}

const onLinux = { skip: process.platform === 'linux' ? false : 'needs /proc' };

describe('a process that its supervisor has stopped', onLinux, () => {
  it('goes on when the supervisor is killed, and not before', async () => {
    const { pid = 0 } = run('sleep', '60');
    const supervisor = await stopping(pid, 'lives');
    await until('it stands still', () => viewProcess(pid)?.state === 'T');
    supervisor.kill('SIGKILL');
    await until('it goes on', () => viewProcess(pid)?.state === 'S');
  });

  it('is left alone when that was called off', async () => {
    const { pid = 0 } = run('sleep', '60');
    const { pid: other = 0 } = run('sleep', '60');
    const supervisors = [await stopping(pid, 'calls off'), await stopping(other, 'lives')];
    for (const supervisor of supervisors) supervisor.kill('SIGKILL');
    await until('the other one goes on', () => viewProcess(other)?.state === 'S');
    assert.equal(viewProcess(pid)?.state, 'T');
  });
});
