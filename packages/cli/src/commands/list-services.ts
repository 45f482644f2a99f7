/** The services of a running fleet as discovery sees them: one entry per service, version and contract. */

import type { FleetMember } from 'flotilla';
import { asMember, awaitInstances } from '../control/membership.ts';
import type { FoundFleet } from '../data/which-fleet.ts';

export interface ServiceListing {
  readonly service: string;
  readonly version: string;
  /** Hash of the contract. */
  readonly contract: string;
  readonly instances: readonly {
    readonly instance: string;
    readonly address: string;
    readonly state: string;
  }[];
  readonly operations: readonly string[];
}

export async function listServices(found: FoundFleet): Promise<ServiceListing[]> {
  return asMember(found, async ({ control, member }) => {
    const expected = (await control.instances()).filter(
      (each) => each.state === 'ready' && each.service !== 'broker' && each.service !== 'gateway',
    );
    await awaitInstances(
      member,
      expected.map((each) => each.instance),
    );
    const groups = Map.groupBy(
      member.discovery.list().filter((each) => each.contract !== ''),
      (each) => [each.service, each.version, each.contract].join(' '),
    );
    const listings = [...groups.values()].map(async (instances): Promise<ServiceListing[]> => {
      const [first] = instances;
      if (first === undefined) return [];
      const { service, version, contract } = first;
      const shown = instances.map(({ instance, address, state }) => ({ instance, address, state }));
      return [
        { service, version, contract, instances: shown, operations: await operationsOf(member, service) },
      ];
    });
    const all = (await Promise.all(listings)).flat();
    return all.sort((a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0));
  });
}

/** None when the service cannot answer at the moment: the list of what is there does not fail for it. */
async function operationsOf(member: FleetMember, service: string): Promise<string[]> {
  try {
    return Object.keys((await member.contract(service)).operations);
  } catch {
    return [];
  }
}
