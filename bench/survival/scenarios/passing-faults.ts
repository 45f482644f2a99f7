/** Faults of all kinds come and go for a while, and leave nothing behind in memory or sockets. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault, FaultEffect, FaultTarget } from 'flotilla';
import type { Scenario } from '../../scenario.ts';
import { failed } from '../samples.ts';
import { type ServiceProcess, stage } from '../staged-fleet.ts';

const instances = ['dependency-1', 'dependency-2', 'front-1'];
const faultMs = 500;
const breakMs = 250;
const calmMs = 3_000;
const quarters = 4;

const edge: FaultTarget = { from: 'front', to: 'dependency' };
const first: FaultTarget = { service: 'dependency', instance: 'dependency-1' };
const second: FaultTarget = { service: 'dependency', instance: 'dependency-2' };
const rotation: readonly (readonly [FaultTarget, FaultEffect])[] = [
  [edge, { kind: 'latency', latencyMs: 100, jitterMs: 50 }],
  [edge, { kind: 'error', code: 'unavailable', rate: 0.3 }],
  [first, { kind: 'blackhole' }],
  [second, { kind: 'reset', rate: 0.1 }],
  [first, { kind: 'cpu', cpu: 0.3 }],
  [edge, { kind: 'reset', rate: 0.1 }],
  [second, { kind: 'error', code: 'internal', rate: 0.5 }],
];

export const passingFaults: Scenario = {
  name: 'passing faults',
  story: 'a fault every 750 ms, of all kinds in turn, for twelve phases under 100 calls/s',
  async run({ seconds, talk }) {
    const fleet = await stage(instances);
    try {
      const client = await fleet.startClient('client-1');
      await client.ask('load', { perSecond: { 'front.plain': 50, 'front.needy': 50 } });
      const services = instances.map((instance) => fleet.service(instance));
      const seen: Use[][] = [];
      let faults = 0;
      for (let quarter = 1; quarter <= quarters; quarter++) {
        const until = performance.now() + 3 * seconds * 1_000;
        const samples: Use[][] = [];
        while (performance.now() < until) {
          const [target, effect] = rotation[faults++ % rotation.length]!;
          const fault: Fault = { ...effect, id: `passing-${faults}`, target, expiresAt: Date.now() + 60_000 };
          for (const service of services) service.inject([fault]);
          await pause(faultMs);
          for (const service of services) service.inject([]);
          await pause(breakMs);
          samples.push(await Promise.all(services.map(useOf)));
        }
        await pause(calmMs);
        const calm = await Promise.all(services.map(useOf));
        seen.push(
          calm.map(({ handles }, index) => ({
            handles,
            // What is left after a collection: the least that was seen.
            heapMiB: Math.min(calm[index]!.heapMiB, ...samples.map((one) => one[index]!.heapMiB)),
          })),
        );
        const told = seen.at(-1)!.map(({ heapMiB, handles }) => `${heapMiB.toFixed(1)} MiB ${handles} open`);
        talk(`  after ${faults} faults: ${told.join(', ')}`);
      }
      const { samples } = await client.ask('stop', undefined);
      const plain = samples['front.plain'] ?? [];
      // The first quarter fills caches and windows.
      const [, early, , late] = seen;
      const growth = (of: (use: Use) => number) =>
        Math.max(...late!.map((use, index) => of(use) - of(early![index]!)));
      return [
        {
          what: 'growth of the heap, second quarter to last',
          value: growth((use) => use.heapMiB),
          unit: 'MiB',
          most: 2,
        },
        {
          what: 'growth of open files and sockets',
          value: growth((use) => use.handles),
          unit: 'handles',
          most: 2,
        },
        { what: 'faults', value: faults, unit: 'faults' },
        { what: 'failed calls that need no dependency', value: failed(plain).length, unit: 'calls' },
      ];
    } finally {
      fleet.close();
    }
  },
};

interface Use {
  readonly heapMiB: number;
  readonly handles: number;
}

async function useOf(service: ServiceProcess): Promise<Use> {
  const heap = await service.metric('nodejs_memory_bytes', { kind: 'heap_used' });
  return { heapMiB: heap / 2 ** 20, handles: await service.metric('process_open_fds') };
}
