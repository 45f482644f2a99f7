/** redis-server, where it is installed, on a loopback port, with an append-only file that is flushed before each answer. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { findProgram } from './find-program.ts';
import type { Server } from './server.ts';

export function redisServerMissing(): string | undefined {
  return findProgram('redis-server') === undefined
    ? 'redis-server is not installed: apt-get install redis-server'
    : undefined;
}

export async function startRedisServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-redis-'));
  const port = await freePort();
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder];
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];
  const child = spawn(findProgram('redis-server')!, [...settings, ...durable], { stdio: 'ignore' });
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && child.exitCode === null) {
    if (await accepts(port)) return { url: `redis://127.0.0.1:${port}`, pid: child.pid!, stop };
    await pause(10);
  }
  stop();
  throw new Error('redis-server did not start');
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const tell = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', tell(true));
    socket.once('error', tell(false));
  });
}
