/** SIGSTOP of one of two replicas: its connections stay open, and nothing answers. */
import { setTimeout as pause } from 'node:timers/promises';
import { now, type Scenario } from '../../scenario.ts';
import { loadEcho, samplesOf } from '../echo-load.ts';
import { between, failed, failuresByCode, latency, slowUntil, windows } from '../samples.ts';
import { firstSeen } from '../sightings.ts';

const recoveryMs = 2_000;

export const pausedReplica: Scenario = {
  name: 'paused replica',
  story: 'SIGSTOP of one of two replicas at 500 calls/s of four clients',
  async run({ seconds, talk }) {
    const { fleet, finish } = await loadEcho(['echo-1', 'echo-2']);
    try {
      await pause(2_000);
      const begin = now();
      await pause(seconds * 1_000);
      const stoppedAt = now();
      fleet.service('echo-2').signal('SIGSTOP');
      await pause(recoveryMs + seconds * 1_000);
      const continuedAt = now();
      fleet.service('echo-2').signal('SIGCONT');
      await pause(seconds * 1_000);
      const results = await finish();
      const all = samplesOf(results);
      const normal = latency(between(all, begin, stoppedAt), 99);
      const recovered = latency(between(all, stoppedAt + recoveryMs, continuedAt), 99);
      const during = between(all, stoppedAt - 1_000, continuedAt);
      talk(`  failed: ${failuresByCode(during) || 'none'}`);
      const each = windows(all, stoppedAt, continuedAt, 250);
      talk(`  p99 per 250 ms: ${each.map(({ p99ms }) => p99ms.toFixed(0)).join(' ')}`);
      const usedAgain = results.map(({ sightings }) => firstSeen(sightings, 'echo-2', 'used', continuedAt));
      return [
        {
          what: 'p99 from 2 s after the stop, against normal',
          value: recovered / normal,
          unit: '×',
          most: 2,
        },
        { what: 'p99 normal', value: normal, unit: 'ms' },
        { what: 'p99 from 2 s after the stop', value: recovered, unit: 'ms' },
        {
          what: 'last window of 250 ms with p99 over 2 × normal',
          value: slowUntil(each, 2 * normal),
          unit: 'ms',
        },
        { what: 'failed calls', value: failed(during).length, unit: 'calls' },
        { what: 'used again after SIGCONT', value: Math.max(...usedAgain), unit: 'ms' },
      ];
    } finally {
      fleet.close();
    }
  },
};
