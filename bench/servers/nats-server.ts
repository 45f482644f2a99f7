/** nats-server, where it is installed, on a free loopback port. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { findProgram } from './find-program.ts';
import type { Server } from './server.ts';

export function natsServerMissing(): string | undefined {
  return findProgram('nats-server') === undefined
    ? 'nats-server is not installed: apt-get install nats-server'
    : undefined;
}

/** @param jetStream with JetStream, its files in a directory of its own. */
export async function startNatsServer({ jetStream = false } = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-nats-'));
  const options = ['--addr', '127.0.0.1', '--port', '-1', '--ports_file_dir', folder];
  if (jetStream) options.push('--jetstream', '--store_dir', join(folder, 'store'));
  const child = spawn(findProgram('nats-server')!, options, { stdio: 'ignore' });
  const stop = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  // The server writes its address to a file when it accepts connections.
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && child.exitCode === null) {
    const file = readdirSync(folder).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
    const url = /nats:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    if (url !== undefined) return { url, pid: child.pid!, stop };
    await pause(10);
  }
  stop();
  throw new Error('nats-server did not start');
}
