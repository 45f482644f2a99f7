/** One process of the benchmark, told by its parent over IPC what to be: the server, or some of its callers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '@flotilla/broker';
import { deriveToken, joinFleet, silentTelemetry, startService } from 'flotilla';
import { type OpenLoad, type Outcomes, offer, type Sender } from './open-loop.ts';
import { overloadService } from './service.ts';

export type PeerRequest =
  | { readonly type: 'serve' }
  | { readonly type: 'connect'; readonly broker: string; readonly address: string; readonly name: string }
  | { readonly type: 'offer'; readonly loads: readonly OpenLoad[]; readonly seconds: number }
  | { readonly type: 'cpu' }
  | { readonly type: 'close' };

export interface PeerAnswer {
  readonly broker?: string;
  readonly address?: string;
  readonly outcomes?: readonly Outcomes[];
  /** CPU of the process so far, user and system. */
  readonly cpuMs?: number;
  readonly error?: string;
}

const secret = 'only-for-this-benchmark';
let sender: Sender | undefined;
let close = async (): Promise<void> => {};

async function serve(): Promise<PeerAnswer> {
  const broker = await startBroker({ port: 0, credentials: [{ token: deriveToken(secret, 'broker') }] });
  const dataDirectory = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  const running = await startService(overloadService(), {
    instance: 'overload-1',
    fleet: 'bench',
    secret,
    natsUrl: broker.url,
    dataDirectory,
    environment: {},
    telemetry: silentTelemetry(),
    onFatal: (error) => {
      throw error;
    },
  });
  close = async () => {
    await running.stop(1_000);
    await broker.close();
    rmSync(dataDirectory, { recursive: true });
  };
  return { broker: broker.url, address: running.self.address };
}

/** A bare connection: what protects the server must be in the server. */
async function connect(natsUrl: string, address: string, instance: string): Promise<PeerAnswer> {
  const member = await joinFleet({ service: 'caller', instance, fleet: 'bench', secret, natsUrl });
  const channel = await member.transport.dial({ address, identity: member.identity });
  sender = channel;
  close = async () => {
    channel.close();
    await member.leave();
  };
  return {};
}

async function answer(request: PeerRequest): Promise<PeerAnswer> {
  switch (request.type) {
    case 'serve':
      return serve();
    case 'connect':
      return connect(request.broker, request.address, request.name);
    case 'offer': {
      const { loads, seconds } = request;
      return { outcomes: await Promise.all(loads.map((load) => offer(sender!, load, seconds))) };
    }
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return { cpuMs: (user + system) / 1000 };
    }
    case 'close':
      await close();
      return {};
  }
}

process.on('message', (request: PeerRequest) => {
  answer(request)
    .catch((error: unknown): PeerAnswer => ({ error: error instanceof Error ? error.stack! : String(error) }))
    .then((result) => process.send!(result));
});
process.on('disconnect', () => process.exit(0));
