/** A nats-server with JetStream for one test: started on a free port, restarted on the same one with the same data. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, skipWithout } from '../../testing/test-servers.ts';
import { waitFor } from '../../testing/wait-for.ts';

/** A broker with JetStream, whichever it is. */
export interface TestBroker {
  readonly url: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** On the same port and data. */
  start(): Promise<void>;
  /** Removes the data of a broker that was killed. */
  wipe(): Promise<void>;
  /**
   * Ends it as hard as its promises allow, for {@link start} after it: the embedded broker as a crash would. nats-server acknowledges
   * what it has not written to its file yet, so it is asked to end.
   */
  end(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

export const natsServer = findProgram('nats-server');

export const withoutNatsServer = skipWithout(
  natsServer,
  'nats-server is not installed: apt-get install nats-server',
);

export async function startNatsServer(): Promise<TestBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-nats-'));
  let port = -1;
  let child: ChildProcess | undefined;

  const endWith = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  };
  const kill = (): Promise<void> => endWith('SIGKILL');
  const start = async (): Promise<void> => {
    for (const name of await readdir(folder)) if (name.endsWith('.ports')) await rm(join(folder, name));
    const flags = ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port), '--ports_file_dir', folder];
    child = spawn(natsServer!, flags, { stdio: 'ignore' });
    port = await waitFor(
      async () => {
        const file = (await readdir(folder)).find((name) => name.endsWith('.ports'));
        const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
        const found = /nats:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        return found === undefined ? undefined : Number(found);
      },
      { what: 'nats-server' },
    );
  };

  await start();
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    kill,
    end: () => endWith('SIGTERM'),
    start,
    wipe: () => rm(join(folder, 'jetstream'), { recursive: true, force: true }),
    async stop() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
