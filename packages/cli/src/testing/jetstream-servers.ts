/** Servers with JetStream for tests: what a command says must be the same whichever of them the fleet uses. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '@flotilla/broker';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { findProgram, skipWithout } from 'flotilla/testing';
import { until } from './until.ts';

export interface JetStreamServer {
  readonly url: string;
  stop(): Promise<void>;
}

export interface JetStreamEngine {
  readonly name: string;
  /** Option of a test: why it cannot run here, or false. */
  readonly skip: string | false;
  start(): Promise<JetStreamServer>;
}

const natsServer = findProgram('nats-server');

export const ENGINES: readonly JetStreamEngine[] = [
  { name: 'the embedded broker', skip: false, start: startEmbedded },
  {
    name: 'nats-server',
    skip: skipWithout(natsServer, 'nats-server is not installed: apt-get install nats-server'),
    start: startNatsServer,
  },
];

export interface ConnectedServer {
  readonly jsm: JetStreamManager;
  close(): Promise<void>;
}

export async function connectTo({ url }: JetStreamServer): Promise<ConnectedServer> {
  const nats = await connect({ servers: url });
  return { jsm: await jetstreamManager(nats), close: () => nats.close() };
}

async function startNatsServer(): Promise<JetStreamServer> {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-nats-'));
  const configuration = join(directory, 'nats.conf');
  const quoted = (path: string): string => JSON.stringify(path);
  writeFileSync(
    configuration,
    `listen: "127.0.0.1:-1"\nports_file_dir: ${quoted(directory)}\njetstream { store_dir: ${quoted(directory)} }\n`,
  );
  const child = spawn(natsServer ?? 'nats-server', ['-c', configuration], { stdio: 'ignore' });
  const stop = () => end(child, directory);
  try {
    const url = await until('nats-server listens', () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}`);
      // It writes its address to a file when it accepts connections.
      const file = readdirSync(directory).find((name) => name.endsWith('.ports'));
      const text = file === undefined ? '' : readFileSync(join(directory, file), 'utf8');
      return /nats:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function end(child: ChildProcess, directory: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  rmSync(directory, { recursive: true, force: true });
}

async function startEmbedded(): Promise<JetStreamServer> {
  const data = mkdtempSync(join(tmpdir(), 'flotilla-broker-'));
  const broker = await startBroker({ port: 0, credentials: [], noAuth: true, data });
  return {
    url: broker.url,
    async stop() {
      await broker.close();
      rmSync(data, { recursive: true, force: true });
    },
  };
}
