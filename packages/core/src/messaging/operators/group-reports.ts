/**
 * The consumer groups of a fleet, put together from what the broker knows of their consumers and what the owners of partitions report
 * in the groups' bucket. How far behind a group is, is counted by the broker from its checkpoints.
 */

import type { StoredPartition } from '../groups/partition-lease.ts';
import { readHeaderBlock } from '../headers.ts';
import type { ConsumerInfo, GotMessage, JetStreamApi, StreamInfo } from '../jetstream/api.ts';
import { errorNumber, numberOf } from '../jetstream/api-error.ts';
import { partitionsOf, type Topology } from '../topology.ts';
import type { GroupMember, GroupReport, PartitionReport } from './group-report.ts';
import { peek } from './read-messages.ts';

export interface GroupFilter {
  readonly group?: string | undefined;
  /** Whose events they read. */
  readonly service?: string | undefined;
}

/** What is known of all groups, from a few requests. */
interface Overview {
  /** By group and service. */
  readonly partitions: ReadonlyMap<string, ReadonlyMap<number, StoredPartition>>;
  readonly members: ReadonlyMap<string, GroupMember[]>;
  /** By group, service and event. */
  readonly deadLetters: ReadonlyMap<string, number>;
  /** By group and service. */
  readonly givenBack: ReadonlyMap<string, number>;
}

/** By service, group and event. */
export async function groupReports(
  api: JetStreamApi,
  topology: Topology,
  { group, service }: GroupFilter,
): Promise<GroupReport[]> {
  const overview = await overviewOf(api, topology);
  const wanted = (named: { readonly group: string; readonly service: string }): boolean =>
    (group === undefined || named.group === group) && (service === undefined || named.service === service);
  const reports: GroupReport[] = [];
  const worked = new Set<string>();
  for (const name of await api.streamNames(`${topology.fleet}.events.>`)) {
    const of = topology.serviceOfStream(name);
    const stream = of === undefined ? undefined : await unlessMissing(api.streamInfo(name));
    if (of === undefined || stream === undefined) continue;
    for (const consumerName of await api.consumerNames(name)) {
      const work = topology.readWorkConsumer(consumerName);
      if (work === undefined || !wanted({ group: work.group, service: of })) continue;
      const consumer = await unlessMissing(api.consumerInfo(name, consumerName));
      if (consumer === undefined) continue;
      worked.add(keyOf(work.group, of, work.event));
      reports.push(await workReport(api, stream, consumer, { ...work, service: of }, overview));
    }
    for (const [key, partitions] of overview.partitions) {
      const named = namesOf(key);
      if (named.service !== of || !wanted(named)) continue;
      // Events that the group competes for are told by themselves.
      const deadLetters = new Map([...overview.deadLetters].filter(([name]) => !worked.has(name)));
      const seen = { ...overview, deadLetters };
      reports.push(await subscribeReport(api, topology, stream, named, partitions, seen));
    }
  }
  const place = (report: GroupReport): string => `${report.service} ${report.group} ${report.event ?? ''}`;
  return reports.sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

async function overviewOf(api: JetStreamApi, topology: Topology): Promise<Overview> {
  const [bucket, deadLetters, givenBack] = await Promise.all([
    readBucket(api, topology),
    countDeadLetters(api, topology),
    countGivenBack(api, topology),
  ]);
  return { ...bucket, deadLetters, givenBack };
}

/**
 * The bucket is written all the time, and nats-server 2.9 miscounts for a reader what a newer entry of the key has replaced: so each key
 * is asked for by itself.
 */
async function readBucket(
  api: JetStreamApi,
  topology: Topology,
): Promise<Pick<Overview, 'partitions' | 'members'>> {
  const partitions = new Map<string, Map<number, StoredPartition>>();
  const members = new Map<string, GroupMember[]>();
  const stream = topology.groupsStream;
  const info = await unlessMissing(api.streamInfo(stream, { subjects_filter: topology.keySubject('>') }));
  const subjects = Object.keys(info?.state.subjects ?? {}).sort();
  for (const found of await Promise.all(subjects.map((subject) => api.lastMessage(stream, subject)))) {
    if (!found?.data || isDeleted(found)) continue;
    const key = topology.keyOf(found.subject);
    const partition = topology.readPartitionKey(key);
    const member = topology.readMemberKey(key);
    if (partition) {
      const name = keyOf(partition.group, partition.service);
      const ofGroup = partitions.get(name) ?? new Map<number, StoredPartition>();
      ofGroup.set(partition.partition, JSON.parse(Buffer.from(found.data, 'base64').toString('utf8')));
      partitions.set(name, ofGroup);
    } else if (member) {
      const name = keyOf(member.group, member.service);
      const { instance } = member;
      members.set(name, [...(members.get(name) ?? []), { instance, seen: new Date(found.time) }]);
    }
  }
  return { partitions, members };
}

/** Of a key that was deleted the operation is in a header. */
function isDeleted({ hdrs = '' }: GotMessage): boolean {
  return readHeaderBlock(Buffer.from(hdrs, 'base64')).get('KV-Operation') !== undefined;
}

async function countDeadLetters(api: JetStreamApi, topology: Topology): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const info = await unlessMissing(api.streamInfo(topology.deadLetterStream, { subjects_filter: '>' }));
  for (const [subject, count] of Object.entries(info?.state.subjects ?? {})) {
    const address = topology.readDeadLetterSubject(subject);
    if (address) counts.set(keyOf(address.group, address.service, address.event), count);
  }
  return counts;
}

async function countGivenBack(api: JetStreamApi, topology: Topology): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const stream = topology.redriveStream;
  for (const name of (await unlessMissing(api.consumerNames(stream))) ?? []) {
    const found = topology.readRedriveConsumer(name);
    const consumer = found && (await unlessMissing(api.consumerInfo(stream, name)));
    if (consumer)
      counts.set(keyOf(found.group, found.service), consumer.num_pending + consumer.num_ack_pending);
  }
  return counts;
}

async function workReport(
  api: JetStreamApi,
  { config }: StreamInfo,
  consumer: ConsumerInfo,
  { group, service, event }: { readonly group: string; readonly service: string; readonly event: string },
  { deadLetters, givenBack }: Overview,
): Promise<GroupReport> {
  const { name, num_pending, num_ack_pending, num_redelivered, num_waiting, ack_floor, delivered } = consumer;
  const lag = num_pending + num_ack_pending;
  const from = { sequence: ack_floor.stream_seq + 1 };
  const filter = consumer.config.filter_subject ?? '>';
  // All up to the floor are done with: what comes next is the oldest that is not, or hardly older.
  const { first } = lag === 0 ? {} : await peek(api, { stream: config.name, filter, from });
  return {
    group,
    service,
    kind: 'work',
    event,
    stream: config.name,
    lag,
    ...(first ? { oldest: first.time } : {}),
    inFlight: num_ack_pending,
    retries: num_redelivered,
    deadLetters: deadLetters.get(keyOf(group, service, event)) ?? 0,
    givenBack: givenBack.get(keyOf(group, service)) ?? 0,
    members: [],
    partitions: [],
    consumer: {
      name,
      delivered: delivered.stream_seq,
      ackFloor: ack_floor.stream_seq,
      waiting: num_waiting,
    },
  };
}

async function subscribeReport(
  api: JetStreamApi,
  topology: Topology,
  stream: StreamInfo,
  { group, service }: { readonly group: string; readonly service: string },
  stored: ReadonlyMap<number, StoredPartition>,
  { deadLetters, givenBack, members }: Overview,
): Promise<GroupReport> {
  const count = partitionsOf(stream.config.description) ?? Math.max(...stored.keys()) + 1;
  const partitions = await Promise.all(
    Array.from({ length: count }, (_, partition) =>
      partitionReport(api, topology, stream, service, partition, stored.get(partition) ?? untouched),
    ),
  );
  const sum = (of: (partition: PartitionReport) => number): number =>
    partitions.reduce((total, partition) => total + of(partition), 0);
  const oldest = partitions.flatMap((partition) => partition.oldest ?? []).sort((a, b) => +a - +b)[0];
  const dead = [...deadLetters].filter(([key]) => key.startsWith(`${keyOf(group, service)} `));
  return {
    group,
    service,
    kind: 'subscribe',
    stream: stream.config.name,
    lag: sum(({ lag }) => lag),
    ...(oldest ? { oldest } : {}),
    inFlight: sum(({ inFlight }) => inFlight),
    retries: sum(({ retries }) => retries),
    deadLetters: dead.reduce((total, [, count]) => total + count, 0),
    givenBack: givenBack.get(keyOf(group, service)) ?? 0,
    members: (members.get(keyOf(group, service)) ?? []).sort((a, b) => (a.instance < b.instance ? -1 : 1)),
    partitions,
  };
}

/** What nobody has read yet. */
const untouched: StoredPartition = {
  owner: '',
  epoch: 0,
  by: '',
  sequence: -1,
  time: 0,
  inFlight: 0,
  retries: 0,
  deadLetters: 0,
};

async function partitionReport(
  api: JetStreamApi,
  topology: Topology,
  { config, state }: StreamInfo,
  service: string,
  partition: number,
  { owner, epoch, sequence, inFlight, retries, deadLetters, time, event }: StoredPartition,
): Promise<PartitionReport> {
  const { count, first } =
    sequence >= state.last_seq
      ? { count: 0 }
      : await peek(api, {
          stream: config.name,
          filter: topology.eventFilter(service, partition, event),
          from: { sequence: sequence + 1 },
        });
  return {
    partition,
    ...(owner === '' ? {} : { owner }),
    epoch,
    checkpoint: sequence,
    lag: count,
    ...(first ? { oldest: first.time } : {}),
    inFlight,
    retries,
    deadLetters,
    ...(time === 0 ? {} : { reported: new Date(time) }),
  };
}

/** Undefined for what is not there: there is nothing in it. */
async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const number = numberOf(error);
    if (number === errorNumber.streamNotFound || number === errorNumber.consumerNotFound) return undefined;
    throw error;
  }
}

/** Names have no spaces in them. */
function keyOf(...names: readonly string[]): string {
  return names.join(' ');
}

function namesOf(key: string): { readonly group: string; readonly service: string } {
  const [group = '', service = ''] = key.split(' ');
  return { group, service };
}
