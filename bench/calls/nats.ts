/** Request and reply over nats-server with its official client for Node: a third process between the two. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { processTree } from '../idle/process-tree.ts';
import type { Connected, Contender, Ping } from './contender.ts';

function findServer(): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'nats-server'));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The server writes its address to a file when it accepts connections. */
async function addressOf(server: ChildProcess, folder: string): Promise<string> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && server.exitCode === null) {
    const file = readdirSync(folder).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8');
    const address = /nats:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    if (address !== undefined) return address;
    await pause(10);
  }
  throw new Error('nats-server did not start');
}

export const nats: Contender = {
  name: 'nats-server',
  features: 'timeout; the CPU of nats-server counts too',
  missing: () => (findServer() === undefined ? 'nats-server is not on the PATH' : undefined),
  async serve() {
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-nats-'));
    const options = ['--addr', '127.0.0.1', '--port', '-1', '--ports_file_dir', folder];
    const server = spawn(findServer()!, options, { stdio: 'ignore' });
    const stop = () => {
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    };
    process.once('exit', stop);
    const address = await addressOf(server, folder);
    const connection = await connect({ servers: address });
    connection.subscribe('ping', {
      callback: (_error, message) => {
        const input = message.json<Ping>();
        message.respond(JSON.stringify({ ...input, n: input.n + 1 }));
      },
    });
    await connection.flush();
    return {
      address,
      otherCpuUs() {
        const use = process.platform === 'linux' ? processTree(server.pid!) : [];
        return use.reduce((sum, { cpuMs }) => sum + cpuMs * 1000, 0);
      },
      async close() {
        await connection.close();
        stop();
      },
    };
  },
  async connect(address): Promise<Connected> {
    const connection = await connect({ servers: address });
    const timeout = { timeout: 10_000 };
    return {
      async call(input) {
        const answer = await connection.request('ping', JSON.stringify(input), timeout);
        return answer.json<Ping>();
      },
      close: () => connection.close(),
    };
  },
};
