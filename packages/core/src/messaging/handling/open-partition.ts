/** From a lease to a partition that is read: the checkpoint, the reader, and what runs the handlers. */
import { toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { CheckpointKey, StoredCheckpoint } from '../durable/checkpoints.ts';
import type { Durable } from '../durable/durable.ts';
import type { OpenedPartition, OpenPartition } from '../groups/group-reader.ts';
import type { PartitionLease } from '../groups/partition-lease.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import { StreamReader } from '../jetstream/stream-reader.ts';
import type { Family, Streams } from '../jetstream/streams.ts';
import type { EventHandler, GroupSettings } from '../subscription.ts';
import type { AttemptEnvironment } from './attempt.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { DeadLetters } from './dead-letter.ts';
import type { Failures } from './failures.ts';
import type { InboxGate } from './inbox-gate.ts';
import { OrderedPartition } from './ordered-partition.ts';
import type { PartitionRun } from './partition-run.ts';
import type { Places } from './places.ts';
import type { Progress } from './progress.ts';
import { startAfter } from './start-position.ts';
import type { TransactionAttempts } from './transaction-attempt.ts';
import { TransactionPartition } from './transaction-partition.ts';

/** What all partitions of a group have in common. */
export interface PartitionParts {
  readonly family: Family;
  readonly handlers: ReadonlyMap<string, EventHandler>;
  readonly settings: GroupSettings;
  readonly streams: Streams;
  readonly link: BrokerLink;
  readonly failures: Failures;
  readonly deadLetters: DeadLetters;
  readonly progress: Progress;
  readonly instance: string;
  readonly log: Logger;
}

/** Beyond the checkpoint: what may be in hand behind a message that is tried again and again. */
const capacity = 1_024;

/** Messages in the order of their keys; the checkpoint in the database where there is one, else in the bucket. */
export function openOrdered(
  parts: PartitionParts,
  environment: Omit<AttemptEnvironment, 'transaction'>,
  places: Places,
  gate: InboxGate,
  durable: Durable | undefined,
): OpenPartition {
  const { family, settings, handlers, progress } = parts;
  return async (partition, lease, onLost) => {
    const key = { group: settings.group, service: family.service, partition };
    const store = durable
      ? await databaseStore(durable, key, family, lease)
      : bucketStore(lease, () => run.counts);
    const known = await store.load();
    const checkpoint = known ?? (await startOf(parts, partition));
    const fence = durable && (() => durable.checkpoints.requireEpoch(key, lease.epoch));
    const run = new OrderedPartition(
      {
        ...parts,
        ...{ stream: family.stream, partition, handlers, places, gate, onLost },
        environment: { ...environment, transaction: gate.transactions(fence) },
        checkpoints: store,
        onCheckpoint: (sequence) => progress.reached(partition, sequence, sequence),
      },
      checkpoint,
      (count) => reader.release(count),
    );
    if (known === undefined) await store.save(checkpoint);
    progress.reached(partition, checkpoint, checkpoint);
    const reader = read(parts, partition, checkpoint, run);
    return { run, close: () => reader.stop() };
  };
}

/** Messages in the database's transaction, in the order of the partition. */
export function openTransactional(
  parts: PartitionParts,
  attempts: TransactionAttempts,
  hasPositions: boolean,
  durable: Durable,
): OpenPartition {
  const { family, settings, progress } = parts;
  const { database, checkpoints, inbox } = durable;
  return async (partition, lease, onLost): Promise<OpenedPartition> => {
    const key = { group: settings.group, service: family.service, partition };
    let from: Pick<StoredCheckpoint, 'sequence' | 'position'> = await claim(durable, key, family, lease);
    if (from.sequence < 0) {
      const sequence = await startOf(parts, partition);
      from = { sequence, position: hasPositions ? -1 : sequence };
      await database.write(() => checkpoints.save(key, lease.epoch, from.sequence, from.position));
    }
    progress.reached(partition, from.sequence, from.position);
    const run = new TransactionPartition(
      {
        ...parts,
        ...{ stream: family.stream, key, epoch: lease.epoch, database, checkpoints, inbox, attempts },
        ...{ hasPositions, onLost },
      },
      from,
      (count) => reader.release(count),
    );
    const reader = read(parts, partition, from.sequence, run);
    return { run, close: () => reader.stop() };
  };
}

function bucketStore(lease: PartitionLease, counts: () => PartitionRun['counts']): CheckpointStore {
  return {
    isBucket: true,
    load: async () => (lease.sequence < 0 ? undefined : lease.sequence),
    save: (sequence) => {
      const { inFlight, retries, deadLetters } = counts();
      return lease.write({ sequence, inFlight, retries, deadLetters });
    },
  };
}

async function databaseStore(
  durable: Durable,
  key: CheckpointKey,
  family: Family,
  lease: PartitionLease,
): Promise<CheckpointStore> {
  const { database, checkpoints } = durable;
  const { sequence } = await claim(durable, key, family, lease);
  return {
    isBucket: false,
    load: async () => (sequence < 0 ? undefined : sequence),
    save: (reached) => database.write(() => checkpoints.save(key, lease.epoch, reached, reached)),
  };
}

/**
 * Makes this instance the one that writes the checkpoint. Where the bucket was lost, its epochs begin anew, and the database knows a
 * later one: then the lease takes that over, which only its true owner can.
 */
async function claim(
  { checkpoints }: Durable,
  key: CheckpointKey,
  family: Family,
  lease: PartitionLease,
): Promise<StoredCheckpoint> {
  for (;;) {
    try {
      return await checkpoints.claim(key, family.incarnation, lease.epoch);
    } catch (error) {
      const { code, data } = toFlotillaError(error);
      if (code !== 'conflict') throw error;
      await lease.raise((data as { readonly epoch: number }).epoch + 1);
    }
  }
}

function startOf(
  { family, settings, streams, handlers }: PartitionParts,
  partition: number,
): Promise<number> {
  const filter = streams.topology.eventFilter(family.service, partition, onlyEvent(handlers));
  return startAfter(settings.from, streams.api, family.stream, filter);
}

function read(parts: PartitionParts, partition: number, after: number, run: PartitionRun): StreamReader {
  const { family, settings, streams, handlers, link, log, instance } = parts;
  return new StreamReader({
    ...{ api: streams.api, link, log, after, capacity, stream: family.stream },
    filter: streams.topology.eventFilter(family.service, partition, onlyEvent(handlers)),
    description: `group ${settings.group}, partition ${partition}, ${instance}`,
    onMessage: (message, delivery) => run.received(message, delivery),
  });
}

/** One event is asked for by name; of several, all of the service's come, since a consumer has one filter. */
export function onlyEvent(handlers: ReadonlyMap<string, EventHandler>): string | undefined {
  return handlers.size === 1 ? [...handlers.keys()][0] : undefined;
}

/** The head of a partition, as `Progress` asks for it. */
export function headOf({
  family,
  streams,
  handlers,
}: Pick<PartitionParts, 'family' | 'streams' | 'handlers'>) {
  return async (partition: number): Promise<number> => {
    const subject = streams.topology.eventFilter(family.service, partition, onlyEvent(handlers));
    const last = await streams.api.lastMessage(family.stream, subject);
    return last?.seq ?? 0;
  };
}
