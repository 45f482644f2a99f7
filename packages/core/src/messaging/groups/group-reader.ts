/**
 * Reads a service's events for a group: takes part in sharing the partitions (see `membership.ts`), and has those read that this
 * instance owns (`owned-partition.ts`).
 */
import { toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { GroupGauges } from '../handling/handling-metrics.ts';
import type { PartitionCounts } from '../handling/partition-run.ts';
import type { Topology } from '../topology.ts';
import type { Alarm } from './alarm.ts';
import type { BucketEntry, GroupBucket } from './group-bucket.ts';
import { type GroupAction, GroupMembership } from './membership.ts';
import { type OpenPartition, OwnedPartition } from './owned-partition.ts';
import { PartitionLease, type StoredPartition } from './partition-lease.ts';

export interface GroupReaderOptions {
  readonly bucket: GroupBucket;
  /** Of all groups of the process. */
  readonly alarm: Alarm;
  readonly topology: Topology;
  readonly group: string;
  /** Whose events. */
  readonly service: string;
  /** The service that the group belongs to: this one. */
  readonly by: string;
  /** The only event that the group reads; undefined: several. */
  readonly event: string | undefined;
  readonly instance: string;
  readonly startedAt: number;
  readonly partitions: number;
  readonly ttlMs: number;
  readonly open: OpenPartition;
  /** The epoch of the service's own checkpoint of a partition; 0 where there is none. A lost bucket begins with low ones again. */
  readonly epochOf: (partition: number) => number;
  /** The bucket was lost, and with it who owns what: this reader has ended, and another has to take its place. */
  readonly onBucketLost: () => void;
  readonly log: Logger;
}

/** What a member writes of itself. */
interface StoredMember {
  readonly instance: string;
  /** Its service. */
  readonly by: string;
  /** When its process began, in Unix milliseconds. */
  readonly startedAt: number;
}

/** Share of the time to live after which the machine is asked again when it had nothing to do although something was due. */
const lookAgainShare = 0.1;
/** Between two reports of a partition's progress, at least: they are made when there is another reason to wake. */
const reportMs = 1_500;
const writeWithinMs = 3_000;
/** What is in hand may take so long when a partition goes to another member. */
const rebalanceMs = 5_000;

export class GroupReader implements GroupGauges {
  readonly #options: GroupReaderOptions;
  readonly #machine: GroupMembership;
  readonly #owned = new Map<number, OwnedPartition>();
  readonly #stopWatching: () => void;
  readonly #wake = (): void => this.#woken();
  #reportedAt = performance.now();
  #graceMs = 0;
  #onLeft: (() => void) | undefined;
  #isRefused = false;
  #isClosed = false;
  /** How far this instance came in partitions that it lost, and under which epoch. */
  readonly #lost = new Map<number, { readonly epoch: number; readonly sequence: number }>();
  /** The records as they were seen last. */
  readonly #stored = new Map<number, StoredPartition>();

  constructor(options: GroupReaderOptions) {
    const { bucket, topology, group, service, instance, startedAt, partitions, ttlMs, onBucketLost } =
      options;
    this.#options = options;
    this.#machine = new GroupMembership({ instance, startedAt, partitions, ttlMs });
    this.#stopWatching = bucket.watch(
      topology.groupFilter(group, service),
      (entry) => this.#saw(entry),
      () => {
        this.kill();
        onBucketLost();
      },
    );
    this.#step();
  }

  get group(): string {
    return this.#options.group;
  }
  get service(): string {
    return this.#options.service;
  }
  lag(): number {
    return this.#sum(({ lag }) => lag);
  }
  oldestMs(): number {
    return Math.max(0, ...this.#counts().map(({ oldestMs }) => oldestMs));
  }
  inFlight(): number {
    return this.#sum(({ inFlight }) => inFlight);
  }
  partitions(): number {
    return this.#owned.size;
  }

  /** Finishes what is in hand for at most `graceMs`, gives all partitions back, and leaves the group. */
  async leave(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    this.#machine.leave();
    const left = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs + writeWithinMs);
      this.#onLeft = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#step();
    await left;
    await this.#deregister();
    this.#close();
  }

  /** Ends at once, as a crash would: what is in hand does not count. */
  kill(): void {
    for (const partition of this.#owned.keys()) this.#lose(partition);
    this.#close();
    this.#onLeft?.();
  }

  #close(): void {
    this.#isClosed = true;
    this.#options.alarm.set(this.#wake, Number.POSITIVE_INFINITY);
    this.#stopWatching();
  }

  async #deregister(): Promise<void> {
    const { bucket, topology, group, service, instance, log } = this.#options;
    try {
      await bucket.delete(topology.memberKey(group, service, instance), undefined, writeWithinMs);
    } catch (error) {
      log.warn('could not sign off from a group: the others notice by themselves', {
        group,
        family: service,
        error,
      });
    }
  }

  #saw({ key, revision, value }: BucketEntry): void {
    const { topology } = this.#options;
    const partition = topology.readPartitionKey(key);
    if (partition && value !== undefined) {
      const record = value as StoredPartition;
      this.#machine.partitionSeen(partition.partition, record, revision);
      this.#stored.set(partition.partition, record);
    }
    const member = topology.readMemberKey(key);
    if (member && value === undefined) this.#machine.memberGone(member.instance, revision);
    else if (member) {
      const { startedAt, by } = value as StoredMember;
      // An instance of another service has no share in the group: it is refused when it takes a partition.
      if (by === this.#options.by) {
        this.#machine.memberSeen(member.instance, revision, startedAt, performance.now());
      }
    }
    this.#step();
  }

  #step(): void {
    if (this.#isClosed) return;
    for (const action of this.#machine.next(performance.now())) this.#act(action);
    if (this.#onLeft && this.#machine.isIdle) this.#onLeft();
    this.#arm();
  }

  /** For the next moment at which time alone changes what is to be done. */
  #arm(): void {
    if (this.#isClosed) return;
    const { wakeAt } = this.#machine;
    const now = performance.now();
    const { alarm, ttlMs } = this.#options;
    alarm.set(this.#wake, wakeAt > now ? wakeAt : now + ttlMs * lookAgainShare);
  }

  #woken(): void {
    this.#step();
    const now = performance.now();
    if (now - this.#reportedAt < reportMs) return;
    this.#reportedAt = now;
    for (const owned of this.#owned.values()) owned.report();
  }

  #act(action: GroupAction): void {
    switch (action.kind) {
      case 'beat':
        void this.#beat(action.revision);
        break;
      case 'bury':
        void this.#bury(action.instance, action.revision);
        break;
      case 'acquire':
        void this.#acquire(action.partition, action.revision, action.epoch);
        break;
      case 'release':
        void this.#release(action.partition);
        break;
      case 'lose':
        this.#lose(action.partition);
        break;
      case 'superseded':
        this.#options.log.error(
          'another process has this name and began later: this one reads nothing any more. Give each instance a name of its own',
          { group: this.group, family: this.service },
        );
        this.#close();
        this.#onLeft?.();
        break;
    }
  }

  async #beat(revision: number | undefined): Promise<void> {
    const { bucket, topology, group, service, instance, by, startedAt, log } = this.#options;
    const sentAt = performance.now();
    const key = topology.memberKey(group, service, instance);
    const record: StoredMember = { instance, by, startedAt };
    try {
      this.#machine.beaten(await bucket.put(key, record, revision, writeWithinMs), sentAt);
    } catch (error) {
      const refused = toFlotillaError(error).code === 'conflict';
      this.#machine.beatFailed(refused ? 'refused' : 'away', performance.now());
      if (refused)
        log.warn('this instance was given up by its group, and joins it again', { group, family: service });
    }
    this.#step();
  }

  async #bury(instance: string, revision: number): Promise<void> {
    const { bucket, topology, group, service, log } = this.#options;
    try {
      const buried = await bucket.delete(
        topology.memberKey(group, service, instance),
        revision,
        writeWithinMs,
      );
      log.warn('a member of the group is gone: its partitions go to others', {
        group,
        family: service,
        member: instance,
      });
      this.#machine.memberGone(instance, buried);
    } catch (error) {
      log.debug('a silent member of the group was not given up', {
        group,
        family: service,
        member: instance,
        error,
      });
    }
    this.#step();
  }

  async #acquire(partition: number, revision: number, least: number): Promise<void> {
    const { bucket, topology, group, service, instance, by, event, epochOf, log } = this.#options;
    const epoch = Math.max(least, epochOf(partition) + 1);
    const key = topology.partitionKey(group, service, partition);
    const before = this.#stored.get(partition);
    if (before && before.by !== by) {
      this.#refuseGroup(before.by);
      this.#machine.acquireFailed(partition, performance.now());
      this.#arm();
      return;
    }
    const sequence = this.#checkpointOf(partition, before);
    const failedOwners = this.#failedOwners(partition, before);
    const progress = { sequence, failedOwners, inFlight: 0, retries: 0, deadLetters: 0 };
    try {
      const record: StoredPartition = { owner: instance, epoch, by, event, time: Date.now(), ...progress };
      const taken = await bucket.put(key, record, revision, writeWithinMs);
      if (this.#isClosed) return;
      this.#machine.acquired(partition, taken, epoch);
      const lease = new PartitionLease({
        ...{ bucket, key, instance, by, event, epoch, revision: taken, sequence, failedOwners },
        onWritten: (written) => this.#machine.written(partition, written),
      });
      this.#own(partition, lease);
      log.debug('reads a partition', { group, family: service, partition, epoch });
    } catch (error) {
      this.#machine.acquireFailed(partition, performance.now());
      this.#arm();
      log.debug('a partition was not taken', { group, family: service, partition, error });
      return;
    }
    this.#step();
    await this.#owned.get(partition)?.open();
  }

  /**
   * Where the owner to be begins. If it was the last owner itself, and had only lost its connection for a while, it knows better than
   * the record how far it came.
   */
  #checkpointOf(partition: number, before: StoredPartition | undefined): number {
    const stored = before?.sequence ?? -1;
    const known = this.#lost.get(partition);
    return known && known.epoch === before?.epoch ? Math.max(stored, known.sequence) : stored;
  }

  /** Whoever gave the partition back, or was this process, has not failed. */
  #failedOwners(partition: number, before: StoredPartition | undefined): number {
    if (!before || before.owner === '') return 0;
    const { failedOwners = 0, epoch } = before;
    return this.#lost.get(partition)?.epoch === epoch ? failedOwners : failedOwners + 1;
  }

  #refuseGroup(other: string): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    const { log, group, service } = this.#options;
    log.error('the group belongs to another service: choose another name for this one', {
      group,
      service,
      other,
    });
  }

  #own(partition: number, lease: PartitionLease): void {
    const { open, group, service: family, log } = this.#options;
    const owned = new OwnedPartition({
      ...{ partition, lease, open, log, about: { group, family, partition } },
      onFenced: (error) => this.#fenced(partition, owned, error),
    });
    this.#owned.set(partition, owned);
  }

  async #release(partition: number): Promise<void> {
    const { log, group, service } = this.#options;
    const owned = this.#owned.get(partition);
    if (!owned) return;
    try {
      const revision = await owned.release(this.#graceMs || rebalanceMs);
      if (revision === undefined || this.#owned.get(partition) !== owned) return;
      this.#machine.released(partition, revision);
    } catch (error) {
      log.warn('a partition was not given back: others take it over later', {
        group,
        service,
        partition,
        error,
      });
      if (this.#owned.get(partition) !== owned) return;
      this.#machine.fenced(partition);
      owned.lease.lose();
    }
    this.#owned.delete(partition);
    this.#step();
  }

  #lose(partition: number): void {
    const owned = this.#owned.get(partition);
    if (!owned) return;
    const { log, group, service } = this.#options;
    this.#owned.delete(partition);
    const sequence = owned.lose();
    if (sequence !== undefined) this.#lost.set(partition, { epoch: owned.lease.epoch, sequence });
    // One that is being given back may be seen with its next owner before the broker has answered.
    if (!owned.isEnding) log.warn('a partition was lost', { group, family: service, partition });
  }

  /** A write of the owner was refused. */
  #fenced(partition: number, owned: OwnedPartition, error: unknown): void {
    if (this.#owned.get(partition) !== owned) return;
    this.#options.log.warn('a partition was taken over while this instance stood still', {
      partition,
      error,
    });
    this.#lose(partition);
    this.#machine.fenced(partition);
    this.#step();
  }

  #counts(): PartitionCounts[] {
    return [...this.#owned.values()].flatMap(({ counts }) => counts ?? []);
  }

  #sum(figure: (counts: PartitionCounts) => number): number {
    return this.#counts().reduce((sum, counts) => sum + figure(counts), 0);
  }
}
