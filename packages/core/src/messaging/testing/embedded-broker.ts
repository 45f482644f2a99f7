/** The embedded broker for one test, in a process of its own: killed and started again on the same port with the same data. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestBroker } from './nats-server.ts';

const program = fileURLToPath(new URL('./broker-process.ts', import.meta.url));

export async function startEmbeddedBroker(): Promise<TestBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-broker-'));
  let port = 0;
  let child: ChildProcess | undefined;

  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const start = async (): Promise<void> => {
    child = fork(program, [String(port), join(folder, 'data')], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [ready] = (await once(child, 'message')) as [{ readonly port: number }];
    port = ready.port;
  };

  await start();
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    kill,
    end: kill,
    start,
    wipe: () => rm(join(folder, 'data'), { recursive: true, force: true }),
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
