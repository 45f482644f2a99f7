/** Which groups can be given messages: those that have a consumer of their own on the redrive stream. */
import { platformError } from '../../errors/flotilla-error.ts';
import type { JetStreamApi } from '../jetstream/api.ts';
import { errorNumber, numberOf } from '../jetstream/api-error.ts';
import type { Topology } from '../topology.ts';

/**
 * What is given to a group that nobody is in lies there unseen, which is not what anybody meant.
 *
 * @throws FlotillaError `not_found` with the groups that there are.
 */
export async function requireGroup(
  api: JetStreamApi,
  topology: Topology,
  group: string,
  service: string,
): Promise<void> {
  try {
    await api.consumerInfo(topology.redriveStream, topology.redriveConsumer(group, service));
  } catch (error) {
    const number = numberOf(error);
    if (number !== errorNumber.consumerNotFound && number !== errorNumber.streamNotFound) throw error;
    const groups = number === errorNumber.streamNotFound ? [] : await groupsOf(api, topology, service);
    const others = groups.length === 0 ? 'no group reads them' : `those that do are ${groups.join(', ')}`;
    throw platformError('not_found', `no group "${group}" reads events of ${service}: ${others}`);
  }
}

async function groupsOf(api: JetStreamApi, topology: Topology, service: string): Promise<string[]> {
  const groups: string[] = [];
  for (const name of await api.consumerNames(topology.redriveStream)) {
    const found = topology.readRedriveConsumer(name);
    if (found?.service === service) groups.push(found.group);
  }
  return groups.sort();
}
