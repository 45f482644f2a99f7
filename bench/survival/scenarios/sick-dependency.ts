/** A dependency that takes two seconds more and fails in 30 % of calls; before that, one that only fails. */
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultEffect } from 'flotilla';
import { now, type Scenario } from '../../scenario.ts';
import { between, failed, failuresByCode, latency, windows } from '../samples.ts';
import { firstSeen, SightingLog, statesOf } from '../sightings.ts';
import { type ServiceProcess, stage } from '../staged-fleet.ts';

const breaker = 'dependency.look';

export const sickDependency: Scenario = {
  name: 'sick dependency',
  story:
    'a service is called 200 times a second, 50 of them need its dependency, which falls ill: 30 % errors; then 2 s more and 30 % errors',
  async run({ seconds, talk }) {
    const fleet = await stage(['dependency-1', 'front-1']);
    let watch: NodeJS.Timeout | undefined;
    try {
      const client = await fleet.startClient('client-1');
      await client.ask('load', { perSecond: { 'front.plain': 150, 'front.needy': 50 } });
      const front = fleet.service('front-1');
      const log = new SightingLog();
      watch = setInterval(() => {
        front.resilience().then(
          (report) => log.see(statesOf(report), now()),
          () => {},
        );
      }, 25);
      await pause(3_000);

      const attempts = new Attempts(front);
      await attempts.mark();
      inject(fleet.service('dependency-1'), [{ kind: 'error', code: 'unavailable', rate: 0.3 }]);
      const failingAt = now();
      await pause(2 * seconds * 1_000);
      inject(fleet.service('dependency-1'), []);
      const afterErrors = now();
      const amplification = await attempts.perCall();
      await pause(1_000);

      const normalAt = now();
      await pause(2 * seconds * 1_000);
      await attempts.mark();
      const sickAt = now();
      inject(fleet.service('dependency-1'), [
        { kind: 'latency', latencyMs: 2_000 },
        { kind: 'error', code: 'unavailable', rate: 0.3 },
      ]);
      await pause(2 * seconds * 1_000);
      inject(fleet.service('dependency-1'), []);
      const healedAt = now();
      const amplificationSick = await attempts.perCall();
      await pause(6_000);
      clearInterval(watch);
      const { samples } = await client.ask('stop', undefined);
      const { 'front.plain': plain = [], 'front.needy': needy = [] } = samples;
      const normal = latency(between(plain, normalAt, sickAt), 99);
      const during = latency(between(plain, sickAt, healedAt), 99);
      const errors = between(needy, failingAt, afterErrors);
      const sick = between(needy, sickAt, healedAt);
      talk(
        `  needy calls that failed, at 30 % errors: ${failuresByCode(errors) || 'none'} of ${errors.length}`,
      );
      talk(`  needy calls that failed, with 2 s more: ${failuresByCode(sick) || 'none'} of ${sick.length}`);
      talk(`  plain calls that failed: ${failuresByCode(plain) || 'none'} of ${plain.length}`);
      const each = windows(plain, sickAt, healedAt, 250).map(({ p99ms }) => p99ms.toFixed(0));
      talk(`  their p99 per 250 ms: ${each.join(' ')}`);
      return [
        {
          what: 'p99 of those who do not need it, against normal',
          value: during / normal,
          unit: '×',
          most: 1.2,
        },
        { what: 'their p99 normal', value: normal, unit: 'ms' },
        { what: 'their p99 during', value: during, unit: 'ms' },
        { what: 'their failed calls', value: failed(plain).length, unit: 'calls' },
        { what: 'requests per call at 30 % errors', value: amplification, unit: '×', most: 1.2 },
        { what: 'requests per call with 2 s more', value: amplificationSick, unit: '×', most: 1.2 },
        {
          what: 'calls failed at 30 % errors',
          value: (100 * failed(errors).length) / errors.length,
          unit: '%',
        },
        {
          what: 'breaker open',
          value: firstSeen(log.sightings, breaker, 'open', sickAt),
          unit: 'ms',
          most: 1_000,
        },
        {
          what: 'breaker closed after healing',
          value: firstSeen(log.sightings, breaker, 'closed', healedAt),
          unit: 'ms',
          most: 5_000,
        },
        { what: 'p50 of those who need it, during', value: latency(sick, 50), unit: 'ms' },
      ];
    } finally {
      clearInterval(watch);
      fleet.close();
    }
  },
};

function inject(service: ServiceProcess, effects: readonly FaultEffect[]): void {
  service.inject(
    effects.map((effect, index) => ({
      ...effect,
      id: `sick-${index}`,
      target: { service: 'dependency' },
      expiresAt: Date.now() + 60_000,
    })),
  );
}

/** How many requests a service has sent to the dependency for each call that was sent at all. */
class Attempts {
  readonly #front: ServiceProcess;
  #first = 0;
  #all = 0;

  constructor(front: ServiceProcess) {
    this.#front = front;
  }

  async mark(): Promise<void> {
    [this.#first, this.#all] = await this.#read();
  }

  async perCall(): Promise<number> {
    const [first, all] = await this.#read();
    return (all - this.#all) / (first - this.#first);
  }

  async #read(): Promise<[first: number, all: number]> {
    const name = 'flotilla_client_attempts_total';
    const service = 'dependency';
    const first = await this.#front.metric(name, { service, kind: 'first' });
    return [first, await this.#front.metric(name, { service })];
  }
}
