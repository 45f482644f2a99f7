/** From a lease to a partition that is read: the checkpoint, the reader, and what runs the handlers. */
import type { Database } from '../../store/database.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { CheckpointKey, StoredCheckpoint } from '../durable/checkpoints.ts';
import type { Durable } from '../durable/durable.ts';
import type { OpenedPartition, OpenPartition } from '../groups/owned-partition.ts';
import type { PartitionLease } from '../groups/partition-lease.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import { continuityOf } from '../jetstream/continuity.ts';
import { StreamReader } from '../jetstream/stream-reader.ts';
import type { Family, Streams } from '../jetstream/streams.ts';
import type { EventHandler, GroupSettings } from '../subscription.ts';
import type { AttemptEnvironment } from './attempt.ts';
import type { AttemptBook } from './attempt-book.ts';
import { CautiousReader, type OnDelivery, type PartitionReader } from './cautious-reader.ts';
import type { CheckpointStore, FoundCheckpoint } from './checkpoint-store.ts';
import type { DeadLetters } from './dead-letter.ts';
import type { Failures } from './failures.ts';
import type { InboxGate } from './inbox-gate.ts';
import { OrderedPartition } from './ordered-partition.ts';
import type { PartitionRun } from './partition-run.ts';
import type { Places } from './places.ts';
import { noPosition, type Positions } from './positions.ts';
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
  readonly book: AttemptBook;
  readonly instance: string;
  readonly log: Logger;
}

/** Beyond the checkpoint: what may be in hand behind a message that is tried again and again. */
const capacity = 1_024;
/** So many owners may go away without getting further before a message is suspected of it. */
const failedBeforeCaution = 2;

/** Messages in the order of their keys; the checkpoint in the database where there is one, else in the bucket. */
export function openOrdered(
  parts: PartitionParts,
  environment: Omit<AttemptEnvironment, 'transaction'>,
  places: Places,
  gate: InboxGate,
  durable: Durable | undefined,
): OpenPartition {
  const { family, settings, handlers, progress } = parts;
  return async (partition, lease, onLost, onOtherStream) => {
    const key = { group: settings.group, service: family.service, partition };
    const store = durable ? await databaseStore(durable, key, lease) : bucketStore(lease, () => run.counts);
    const start = await startOf(parts, partition, store.found);
    const { sequence: checkpoint } = start;
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
    if (start.isAnew) await store.begin(start.created, checkpoint);
    progress.reached(partition, checkpoint, checkpoint);
    const reader = read(parts, partition, start, run, lease, onOtherStream);
    return { run, close: () => reader.stop() };
  };
}

/** Messages in the database's transaction, in the order of the partition. */
export function openTransactional(
  parts: PartitionParts,
  attempts: TransactionAttempts,
  positions: Positions | undefined,
  durable: Durable,
): OpenPartition {
  const { family, settings, progress } = parts;
  const { database, checkpoints, inbox } = durable;
  return async (partition, lease, onLost, onOtherStream): Promise<OpenedPartition> => {
    const key = { group: settings.group, service: family.service, partition };
    const { epoch } = lease;
    const stored = await checkpoints.claim(key, epoch);
    const start = await startOf(parts, partition, stored, positions);
    const { created: stream, sequence } = start;
    const position = positions ? positionOf(stored, positions, database) : sequence;
    if (start.isAnew) {
      await database.write(() => checkpoints.begin(key, { stream, epoch, sequence, position }));
    }
    progress.reached(partition, sequence, position);
    const run = new TransactionPartition(
      {
        ...parts,
        ...{ stream: family.stream, key, epoch, database, checkpoints, inbox, attempts, positions, onLost },
      },
      { sequence, position },
      (count) => reader.release(count),
    );
    const reader = read(parts, partition, start, run, lease, onOtherStream);
    return { run, close: () => reader.stop() };
  };
}

function bucketStore(lease: PartitionLease, counts: () => PartitionRun['counts']): CheckpointStore {
  const save = (sequence: number): Promise<void> => {
    const { inFlight, retries, deadLetters } = counts();
    return lease.write({ sequence, inFlight, retries, deadLetters });
  };
  return {
    isBucket: true,
    found: { stream: undefined, sequence: lease.sequence },
    begin: (_, sequence) => save(sequence),
    save,
  };
}

async function databaseStore(
  durable: Durable,
  key: CheckpointKey,
  lease: PartitionLease,
): Promise<CheckpointStore> {
  const { database, checkpoints } = durable;
  const { epoch } = lease;
  const found = await checkpoints.claim(key, epoch);
  return {
    isBucket: false,
    found,
    begin: (stream, sequence) =>
      database.write(() => checkpoints.begin(key, { stream, epoch, sequence, position: sequence })),
    save: (sequence) => database.write(() => checkpoints.save(key, epoch, sequence, sequence)),
  };
}

interface PartitionStart {
  /** When the stream was made. */
  readonly created: string;
  /** What is read comes after it. */
  readonly sequence: number;
  /** Whether the checkpoint was of no use, and is now this one. */
  readonly isAnew: boolean;
}

/** Where a partition is begun, or gone on with: nothing that was not handled is passed over. */
async function startOf(
  parts: PartitionParts,
  partition: number,
  found: FoundCheckpoint,
  positions?: Positions,
): Promise<PartitionStart> {
  const { family, settings, streams, handlers, log } = parts;
  const { stream, service } = family;
  const info = await streams.infoOf(family);
  const { created, state } = info;
  const continuity = continuityOf(found, info);
  if (continuity === 'goes on') return { created, sequence: found.sequence, isAnew: false };
  if (continuity === 'begins') {
    const filter = streams.topology.eventFilter(service, partition, onlyEvent(handlers));
    const sequence = await startAfter(settings.from, streams.api, stream, filter);
    return { created, sequence, isAnew: true };
  }
  // What the stream has by now may be what was handled before, or not: by their positions, or an inbox, messages are known again.
  const isKnown = continuity === 'set back' && positions === undefined && found.stream !== undefined;
  log.warn(`a stream was ${continuity}: it is read from ${isKnown ? 'its present end' : 'its beginning'}`, {
    ...{ group: settings.group, stream, partition, checkpoint: found.sequence, last: state.last_seq },
  });
  return { created, sequence: isKnown ? state.last_seq : 0, isAnew: true };
}

/** It goes on whatever became of the stream. */
function positionOf(found: StoredCheckpoint, positions: Positions, database: Database): number {
  return found.position === noPosition ? positions.before(database) : found.position;
}

function read(
  parts: PartitionParts,
  partition: number,
  { created, sequence: after }: PartitionStart,
  run: PartitionRun,
  { failedOwners }: PartitionLease,
  onOtherStream: () => void,
): PartitionReader {
  const { family, settings, streams, handlers, link, log, instance, book } = parts;
  const handle: OnDelivery = (message, delivery) => run.received(message, delivery);
  const open = (behind: number, atOnce: number, onMessage: OnDelivery): StreamReader =>
    new StreamReader({
      ...{ api: streams.api, link, log, stream: family.stream, created, onOtherStream, onMessage },
      ...{ after: behind, capacity: atOnce },
      describe: () => streams.infoOf(family),
      filter: streams.topology.eventFilter(family.service, partition, onlyEvent(handlers)),
      description: `group ${settings.group}, partition ${partition}, ${instance}`,
    });
  if (failedOwners < failedBeforeCaution || settings.exhausted === 'wait')
    return open(after, capacity, handle);
  log.warn('owners of a partition died one after the other: its messages are handled one at a time', {
    ...{ group: settings.group, family: family.service, partition, owners: failedOwners, checkpoint: after },
  });
  const condemn: OnDelivery = (message, delivery) => run.condemned(message, delivery);
  return new CautiousReader({ open, after, capacity, book, handle, condemn, log });
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
