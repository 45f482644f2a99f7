/** Servers with JetStream for tests: what a command says must be the same whichever of them the fleet uses. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '@flotilla/broker';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNatsServer, type TestBroker, withoutNatsServer } from 'flotilla/testing';

export type JetStreamServer = Pick<TestBroker, 'url' | 'stop'>;

export interface JetStreamEngine {
  readonly name: string;
  /** Option of a test: why it cannot run here, or false. */
  readonly skip: string | false;
  start(): Promise<JetStreamServer>;
}

export const ENGINES: readonly JetStreamEngine[] = [
  { name: 'the embedded broker', skip: false, start: startEmbedded },
  { name: 'nats-server', skip: withoutNatsServer, start: startNatsServer },
];

export interface ConnectedServer {
  readonly jsm: JetStreamManager;
  close(): Promise<void>;
}

export async function connectTo({ url }: JetStreamServer): Promise<ConnectedServer> {
  const nats = await connect({ servers: url });
  return { jsm: await jetstreamManager(nats), close: () => nats.close() };
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
