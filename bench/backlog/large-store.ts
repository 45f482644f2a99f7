import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillStream } from '@flotilla/broker/testing';
import { createBrokerPeer } from '../broker/broker-peer.ts';
import { contenders } from '../broker/contenders.ts';
import { processTree } from '../idle/process-tree.ts';
import type { Measured, Scenario, ScenarioOptions } from '../scenario.ts';
import { startFlotillaBroker } from '../servers/flotilla-broker.ts';

const messages = 10_000_000;
const { name } = contenders[0]!;

export const largeStore: Scenario = {
  name: 'large store',
  story: `a broker with ${messages.toLocaleString('en-US')} stored messages starts, and takes more, beside one with none`,
  run,
};

async function run({ seconds, talk }: ScenarioOptions): Promise<Measured[]> {
  const [empty, full] = [directory(), directory()];
  try {
    talk('  filling the store');
    fillStream(full, { name: 'bench', messages, subjects: 1 });
    const length = Math.min(5, seconds);
    const small = await measure(empty, length);
    const large = await measure(full, length);
    talk(
      `  p50 of an acknowledgement, one in flight: ${small.p50us} µs without, ${large.p50us} µs with them`,
    );
    return [
      { what: 'from the start of the process to ready', value: large.readyMs, unit: 'ms', most: 2_000 },
      { what: 'the same with an empty store', value: small.readyMs, unit: 'ms' },
      { what: 'memory', value: large.rssMiB, unit: 'MiB', most: 286 },
      { what: 'memory with an empty store', value: small.rssMiB, unit: 'MiB' },
      {
        what: 'p50 of an acknowledgement, against an empty store',
        value: large.p50us / small.p50us,
        unit: '×',
        most: 1.25,
      },
    ];
  } finally {
    for (const folder of [empty, full]) rmSync(folder, { recursive: true, force: true });
  }
}

function directory(): string {
  return mkdtempSync(join(tmpdir(), 'flotilla-bench-store-'));
}

async function measure(
  data: string,
  seconds: number,
): Promise<{ readyMs: number; rssMiB: number; p50us: number }> {
  const server = await startFlotillaBroker({ data });
  const publisher = createBrokerPeer();
  try {
    await publisher.ask({ type: 'connect', name, url: server.url });
    await publisher.ask({ type: 'publish', inFlight: 1, seconds: 1 });
    const { drive } = await publisher.ask({ type: 'publish', inFlight: 1, seconds });
    const rssMiB = processTree(server.pid).reduce((sum, process) => sum + process.rssMiB, 0);
    await publisher.ask({ type: 'close' });
    return { readyMs: server.readyMs, rssMiB, p50us: Math.round(drive!.p50us) };
  } finally {
    publisher.kill();
    server.stop();
  }
}
