/** Services are restarted one after the other while they are called. */
import { setTimeout as pause } from 'node:timers/promises';
import { now, type Scenario } from '../../scenario.ts';
import { loadEcho, samplesOf } from '../echo-load.ts';
import { between, failed, failuresByCode, latency } from '../samples.ts';

function restartOf(replicas: readonly string[], what: string): Scenario {
  return {
    name: what,
    story: `SIGTERM and a new process for ${replicas.join(', then ')}, under 500 calls/s of four clients, half of the calls not idempotent`,
    async run({ seconds, talk }) {
      const { fleet, finish } = await loadEcho(replicas);
      try {
        await pause(2_000);
        const begin = now();
        await pause(seconds * 1_000);
        const firstAt = now();
        for (const instance of replicas) {
          await fleet.service(instance).stop();
          await fleet.startService(instance);
          await pause(1_000);
        }
        const endAt = now();
        const all = samplesOf(await finish());
        talk(`  failed: ${failuresByCode(all) || 'none'} of ${all.length}`);
        return [
          { what: 'failed calls', value: failed(all).length, unit: 'calls', most: 0, counts: 'worst' },
          { what: 'p99 before', value: latency(between(all, begin, firstAt), 99), unit: 'ms' },
          { what: 'p99 during', value: latency(between(all, firstAt, endAt), 99), unit: 'ms' },
          { what: 'longest call', value: latency(all, 100), unit: 'ms' },
        ];
      } finally {
        fleet.close();
      }
    },
  };
}

export const rollingRestart = restartOf(['echo-1', 'echo-2'], 'rolling restart');
export const restartOfTheOnly = restartOf(['echo-1'], 'restart of the only instance');
