/**
 * The two servers that the conformance suites compare: ours, and the real `nats-server`, each started on a free
 * loopback port for one test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from '../broker.ts';
import type { Credential } from '../credentials.ts';
import type { Limits } from '../limits.ts';

export interface EngineOptions {
  readonly credentials?: readonly Credential[];
  readonly limits?: Partial<Limits>;
  /** With streams, on a store of its own that ends with the engine. */
  readonly jetstream?: boolean;
}

export interface Engine {
  readonly port: number;
  stop(): Promise<void>;
}

export type StartEngine = (options: EngineOptions) => Promise<Engine>;

export async function startOurs({
  credentials = [],
  limits,
  jetstream = false,
}: EngineOptions): Promise<Engine> {
  const data = jetstream ? await mkdtemp(join(tmpdir(), 'flotilla-broker-')) : undefined;
  const broker = await startBroker({
    port: 0,
    credentials,
    noAuth: credentials.length === 0,
    ...(limits && { limits }),
    ...(data && { data }),
  });
  return {
    port: broker.port,
    async stop() {
      await broker.close();
      if (data !== undefined) await rm(data, { recursive: true });
    },
  };
}

/** The path of `nats-server`, or undefined after the test has been skipped (or failed, where skipping is forbidden). */
export async function requireNatsServer(t: TestContext): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin']) {
    const candidate = join(folder, 'nats-server');
    const found = await access(candidate).then(
      () => true,
      () => false,
    );
    if (folder !== '' && found) return candidate;
  }
  const reason = 'nats-server is not installed: apt-get install nats-server';
  if (process.env.FLOTILLA_TEST_NO_SKIP === '1') throw new Error(reason);
  t.skip(reason);
  return undefined;
}

export function startReal(executable: string): StartEngine {
  return async (options) => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-nats-server-'));
    const configuration = join(folder, 'nats.conf');
    await writeFile(configuration, `${configurationLines(folder, options).join('\n')}\n`);
    const child = spawn(executable, ['-c', configuration], { stdio: 'ignore' });
    try {
      return { port: await portOf(folder, child), stop: () => stop(child, folder) };
    } catch (error) {
      await stop(child, folder);
      throw error;
    }
  };
}

function configurationLines(
  folder: string,
  { credentials = [], limits = {}, jetstream = false }: EngineOptions,
): string[] {
  const lines = ['listen: "127.0.0.1:-1"', `ports_file_dir: ${JSON.stringify(folder)}`];
  if (jetstream) lines.push(`jetstream { store_dir: ${JSON.stringify(join(folder, 'jetstream'))} }`);
  const set = (name: string, value: number | undefined, unit = ''): void => {
    if (value !== undefined) lines.push(`${name}: ${unit === '' ? value : `"${value}${unit}"`}`);
  };
  set('max_payload', limits.maxPayload);
  set('max_control_line', limits.maxControlLine);
  set('max_subscriptions', limits.maxSubscriptions);
  set('max_connections', limits.maxConnections);
  set('max_pending', limits.maxPending);
  set('write_deadline', limits.writeDeadlineMs, 'ms');
  set('ping_interval', limits.pingIntervalMs, 'ms');
  set('ping_max', limits.maxPingsOut);
  const users = credentials.flatMap((one) =>
    'user' in one ? [`{user: ${one.user}, password: ${one.password}}`] : [],
  );
  const token = credentials.find((one) => 'token' in one)?.token;
  const timeout = limits.authTimeoutMs === undefined ? '' : `, timeout: ${limits.authTimeoutMs / 1000}`;
  if (token !== undefined) lines.push(`authorization { token: ${token}${timeout} }`);
  else if (users.length > 0) lines.push(`authorization { users: [${users.join(', ')}]${timeout} }`);
  return lines;
}

/** The server writes its address to a file when it accepts connections. */
async function portOf(folder: string, child: ChildProcess): Promise<number> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const file = (await readdir(folder)).find((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : await readFile(join(folder, file), 'utf8');
    const port = /nats:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
    await delay(10);
  }
  throw new Error('nats-server did not start');
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  await rm(folder, { recursive: true, force: true });
}
