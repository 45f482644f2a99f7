/** Our broker as its command runs it, `flotilla broker run`, on a free loopback port, durable. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Server } from './server.ts';

const command = resolve(import.meta.dirname, '../../packages/cli/bin/flotilla.js');

export interface FlotillaBroker extends Server {
  /** Milliseconds from the start of the process to its word that it is ready. */
  readonly readyMs: number;
}

/** @param data its directory; default a temporary one, removed at the end. */
export async function startFlotillaBroker({ data }: { data?: string } = {}): Promise<FlotillaBroker> {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'flotilla-bench-broker-'));
  const startedAt = performance.now();
  const options = ['broker', 'run', '--json', '--no-auth', '--port', '0', '--data', folder];
  const child = spawn(process.execPath, [command, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => {
    child.kill('SIGKILL');
    if (data === undefined) rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', stop);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the broker ended with ${code} before it was ready`);
  });
  for await (const line of Object.assign(createInterface({ input: child.stdout }), { ended })) {
    const said = JSON.parse(line) as { type?: string; url?: string };
    if (said.type !== 'ready') continue;
    ended.catch(() => {});
    return { url: said.url!, pid: child.pid!, readyMs: performance.now() - startedAt, stop };
  }
  return ended;
}
