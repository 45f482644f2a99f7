/** Joins the running fleet for the time of one command: to call services and to see what discovery sees. */

import type { FleetMember } from 'flotilla';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure, messageOf } from '../failure.ts';
import { type ControlClient, connectControl } from './client.ts';

export interface Membership {
  readonly control: ControlClient;
  readonly member: FleetMember;
}

/** Members answer a newcomer within milliseconds; one that has not is not there. */
const ANSWER_MS = 1_000;

/** Runs `use` as a member, and leaves afterwards. */
export async function asMember<T>(
  found: FoundFleet,
  use: (membership: Membership) => Promise<T>,
): Promise<T> {
  const control = connectControl(found);
  const { natsUrl, record, secret } = control;
  const { joinFleet } = await import('flotilla');
  let member: FleetMember;
  try {
    const instance = `cli-${process.pid}`;
    member = await joinFleet({ service: 'cli', instance, fleet: record.name, secret, natsUrl });
  } catch (error) {
    throw new Failure('not_running', messageOf(error), {
      cause: error,
      repair: 'see flotilla ps and flotilla logs broker',
    });
  }
  try {
    return await use({ control, member });
  } finally {
    await member.leave();
  }
}

/** Waits until discovery knows all of these instances, or a second has passed. */
export async function awaitInstances(member: FleetMember, instances: readonly string[]): Promise<void> {
  await awaitDiscovery(member, () => instances.every((name) => member.discovery.get(name) !== undefined));
}

/** @throws Failure `not_found` when no instance of the service answers. */
export async function awaitService({ member, control }: Membership, service: string): Promise<void> {
  await awaitDiscovery(member, () => member.discovery.list(service).length > 0);
  if (member.discovery.list(service).length > 0) return;
  const running = (await control.instances()).filter((each) => each.service === service);
  if (running.length > 0) {
    const states = running.map((each) => `${each.instance} is ${each.state}`).join(', ');
    const repair = `see flotilla logs ${service}`;
    throw new Failure('call_failed', `no instance of ${service} is in the fleet (${states})`, { repair });
  }
  const known = [...new Set(member.discovery.list().map((each) => each.service))].sort();
  throw new Failure('not_found', `there is no service "${service}" in this fleet`, {
    repair: `use one of ${known.join(', ')}`,
  });
}

async function awaitDiscovery(member: FleetMember, met: () => boolean): Promise<void> {
  if (met()) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      unfollow();
      resolve();
    };
    const timer = setTimeout(done, ANSWER_MS);
    const unfollow = member.discovery.onChange(() => {
      if (met()) done();
    });
  });
}
