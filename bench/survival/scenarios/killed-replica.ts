/** kill -9 of one of two replicas. */
import { setTimeout as pause } from 'node:timers/promises';
import { now, type Scenario } from '../../scenario.ts';
import { loadEcho, samplesOf } from '../echo-load.ts';
import { between, failed, failuresByCode, latency } from '../samples.ts';
import { firstSeen } from '../sightings.ts';

export const killedReplica: Scenario = {
  name: 'killed replica',
  story: 'kill -9 of one of two replicas at 500 calls/s of four clients, half of the calls not idempotent',
  async run({ seconds, talk }) {
    const { fleet, finish } = await loadEcho(['echo-1', 'echo-2']);
    try {
      await pause(2_000);
      const begin = now();
      await pause(seconds * 1_000);
      const killedAt = now();
      fleet.service('echo-2').signal('SIGKILL');
      await pause(seconds * 1_000);
      const results = await finish();
      const all = samplesOf(results);
      const after = between(all, killedAt - 1_000, Number.POSITIVE_INFINITY);
      const failures = failed(after);
      talk(`  failed: ${failuresByCode(after) || 'none'}`);
      const perClient = results.map((result) => failed(samplesOf([result])).length);
      const lastFailure = Math.max(0, ...failures.map(({ at, ms }) => at + ms - killedAt));
      const unusedAfter = results.map(({ sightings }) => firstSeen(sightings, 'echo-2', 'unused', killedAt));
      return [
        {
          what: 'failed calls of a client',
          value: Math.max(...perClient),
          unit: 'calls',
          most: 1,
          counts: 'worst',
        },
        { what: 'last failed call, after the kill', value: lastFailure, unit: 'ms', most: 1_000 },
        { what: 'dead replica out of the choice', value: Math.max(...unusedAfter), unit: 'ms', most: 1_000 },
        { what: 'p99 before', value: latency(between(all, begin, killedAt), 99), unit: 'ms' },
        { what: 'p99 after', value: latency(after, 99), unit: 'ms' },
      ];
    } finally {
      fleet.close();
    }
  },
};
