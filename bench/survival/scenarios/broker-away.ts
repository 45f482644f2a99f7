/** The broker is killed, stays away, and comes back. */
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { now, type Scenario } from '../../scenario.ts';
import { between, failed, failuresByCode } from '../samples.ts';
import { type Client, type StagedFleet, stage } from '../staged-fleet.ts';

/** Members beside those that call and are called, so that a storm would be one. */
const crowd = 40;
const replicas = ['echo-1', 'echo-2'];
const watchedMs = 5_000;
/** A storm is everybody at once (in the heaviest tenth of a second, more than two thirds of all), or again and again. */
const atOncePercent = 67;
const timesEach = 3;

export const brokerAway: Scenario = {
  name: 'broker away',
  story: `kill -9 of the broker under 200 calls/s and ${crowd} more members, and its return`,
  async run({ seconds, talk }) {
    const fleet = await stage(replicas);
    try {
      await fleet.startCrowd('crowd', crowd);
      const clients = [await fleet.startClient('client-1'), await fleet.startClient('client-2')];
      await Promise.all(
        clients.map((client) => client.ask('load', { perSecond: { 'echo.read': 50, 'echo.write': 50 } })),
      );
      await pause(1_000);
      const leftAt = now();
      await fleet.killBroker();
      await pause(6 * seconds * 1_000);
      const knownWhileAway = await leastKnown(clients);
      await fleet.startBroker();
      const backAt = now();
      const [spoken, newcomerMs] = await Promise.all([listen(fleet), newcomer(fleet)]);
      const knownAfter = await leastKnown(clients);
      const results = await Promise.all(clients.map((client) => client.ask('stop', undefined)));
      const all = results.flatMap(({ samples }) => Object.values(samples).flat());
      const away = between(all, leftAt - 1_000, backAt);
      const back = between(all, backAt, Number.POSITIVE_INFINITY);
      talk(`  failed: ${failuresByCode(away) || 'none'} while away, ${failuresByCode(back) || 'none'} after`);
      const tenths = Array.from(
        { length: 20 },
        (_, tenth) => spoken.filter((at) => Math.floor((at - spoken[0]!) / 100) === tenth).length,
      );
      talk(`  announcements per 100 ms: ${tenths.join(' ')}`);
      const members = crowd + replicas.length;
      const lost = (known: number) => Math.max(0, members - known);
      return [
        {
          what: 'failed calls while away',
          value: failed(away).length,
          unit: 'calls',
          most: 0,
          counts: 'worst',
        },
        { what: 'failed calls after', value: failed(back).length, unit: 'calls', most: 0, counts: 'worst' },
        { what: 'lost while away', value: lost(knownWhileAway), unit: 'instances', most: 0, counts: 'worst' },
        { what: 'lost after', value: lost(knownAfter), unit: 'instances', most: 0, counts: 'worst' },
        {
          what: 'members that speak in the heaviest 100 ms',
          value: (100 * heaviest(spoken, 100)) / members,
          unit: '%',
          most: atOncePercent,
        },
        {
          what: 'announcements of a member in the first second',
          value: spoken.filter((at) => at < spoken[0]! + 1_000).length / members,
          unit: '×',
          most: timesEach,
        },
        { what: 'a newcomer calls its first service', value: newcomerMs, unit: 'ms', most: 5_000 },
      ];
    } finally {
      fleet.close();
    }
  },
};

async function leastKnown(clients: readonly Client[]): Promise<number> {
  const lists = await Promise.all(clients.map((client) => client.ask('instances', undefined)));
  return Math.min(...lists.map((list) => list.length));
}

/** When members announced themselves, from the broker's return on. */
async function listen(fleet: StagedFleet): Promise<number[]> {
  const times: number[] = [];
  const { username, host } = new URL(fleet.natsUrl);
  const connection = await connect({ servers: host, token: username });
  connection.subscribe(fleet.announcements, {
    callback: () => {
      times.push(now());
    },
  });
  await pause(watchedMs);
  await connection.close();
  return times;
}

async function newcomer(fleet: StagedFleet): Promise<number> {
  const begin = now();
  const client = await fleet.startClient('newcomer');
  await client.ask('load', { perSecond: { 'echo.read': 1 } });
  const ms = now() - begin;
  await client.ask('stop', undefined);
  return ms;
}

/** The most events in any stretch of so many milliseconds. `times` ascend. */
export function heaviest(times: readonly number[], widthMs: number): number {
  let most = 0;
  let from = 0;
  for (let to = 0; to < times.length; to++) {
    while (times[to]! - times[from]! >= widthMs) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}
