/**
 * Reads a service's events for a group: takes part in sharing the partitions (see `membership.ts`), and runs those that this
 * instance owns.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { GroupGauges } from '../handling/handling-metrics.ts';
import type { PartitionCounts, PartitionRun } from '../handling/partition-run.ts';
import type { Topology } from '../topology.ts';
import type { Alarm } from './alarm.ts';
import type { BucketEntry, GroupBucket } from './group-bucket.ts';
import { type GroupAction, GroupMembership } from './membership.ts';
import { PartitionLease, type PartitionProgress, type StoredPartition } from './partition-lease.ts';

/** Begins to read a partition; the run may not exist yet when the lease is lost. */
export type OpenPartition = (
  partition: number,
  lease: PartitionLease,
  onLost: (error: unknown) => void,
  onOtherStream: () => void,
) => Promise<OpenedPartition>;

export interface OpenedPartition {
  readonly run: PartitionRun;
  /** Stops the reader. */
  close(): void;
}

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

interface Owned {
  readonly lease: PartitionLease;
  opened: OpenedPartition | undefined;
  isOpening: boolean;
  /** Written last, so that an idle partition is not written again. */
  told: string;
  isEnding: boolean;
}

/** Share of the time to live after which the machine is asked again when it had nothing to do although something was due. */
const lookAgainShare = 0.1;
/** Between two reports of a partition's progress, at least: they are made when there is another reason to wake. */
const reportMs = 1_500;
const writeWithinMs = 3_000;
/** What is in hand may take so long when a partition goes to another member. */
const rebalanceMs = 5_000;
const reopenMs = 1_000;

export class GroupReader implements GroupGauges {
  readonly #options: GroupReaderOptions;
  readonly #machine: GroupMembership;
  readonly #owned = new Map<number, Owned>();
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
    this.#report();
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
      this.#owned.set(partition, { lease, opened: undefined, isOpening: false, told: '', isEnding: false });
      log.debug('reads a partition', { group, family: service, partition, epoch });
    } catch (error) {
      this.#machine.acquireFailed(partition, performance.now());
      this.#arm();
      log.debug('a partition was not taken', { group, family: service, partition, error });
      return;
    }
    this.#step();
    await this.#open(partition);
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

  /** Tries until it is opened, or not owned any more; one attempt at a time. */
  async #open(partition: number): Promise<void> {
    const { log, group, service } = this.#options;
    const owned = this.#owned.get(partition);
    if (!owned || owned.isOpening) return;
    owned.isOpening = true;
    while (this.#isWanted(partition, owned) && !owned.opened) {
      try {
        await this.#openOnce(partition, owned);
      } catch (error) {
        if (toFlotillaError(error).code === 'conflict') {
          this.#fenced(partition, owned, error);
          break;
        }
        log.warn('a partition cannot be read yet', { group, family: service, partition, error });
        await delay(reopenMs);
      }
    }
    owned.isOpening = false;
  }

  async #openOnce(partition: number, owned: Owned): Promise<void> {
    const opened = await this.#options.open(
      partition,
      owned.lease,
      (error) => this.#fenced(partition, owned, error),
      () => this.#reopen(partition, owned),
    );
    if (this.#isWanted(partition, owned)) owned.opened = opened;
    else {
      opened.close();
      opened.run.abort(platformError('unavailable', 'the partition is read elsewhere'));
    }
  }

  #isWanted(partition: number, owned: Owned): boolean {
    return this.#owned.get(partition) === owned && !owned.isEnding;
  }

  /** The stream is another one than that which was read so far. */
  #reopen(partition: number, owned: Owned): void {
    if (!this.#isWanted(partition, owned)) return;
    owned.opened?.close();
    owned.opened?.run.abort(platformError('unavailable', 'the stream is another one than before'));
    owned.opened = undefined;
    void this.#open(partition);
  }

  async #release(partition: number): Promise<void> {
    const { log, group, service } = this.#options;
    const owned = this.#owned.get(partition);
    if (!owned) return;
    owned.isEnding = true;
    owned.opened?.close();
    try {
      await owned.opened?.run.stop(this.#graceMs || rebalanceMs);
      if (this.#owned.get(partition) !== owned) return;
      const revision = await owned.lease.release(this.#progress(owned));
      this.#machine.released(partition, revision);
    } catch (error) {
      log.warn('a partition was not given back: others take it over later', {
        group,
        service,
        partition,
        error,
      });
      this.#machine.fenced(partition);
      owned.lease.lose();
    }
    if (this.#owned.get(partition) === owned) this.#owned.delete(partition);
    this.#step();
  }

  #lose(partition: number): void {
    const owned = this.#owned.get(partition);
    if (!owned) return;
    const { log, group, service } = this.#options;
    this.#owned.delete(partition);
    if (owned.opened)
      this.#lost.set(partition, { epoch: owned.lease.epoch, sequence: owned.opened.run.checkpoint });
    owned.lease.lose();
    owned.opened?.close();
    owned.opened?.run.abort(platformError('unavailable', `partition ${partition} is read elsewhere`));
    // One that is being given back may be seen with its next owner before the broker has answered.
    if (!owned.isEnding) log.warn('a partition was lost', { group, family: service, partition });
  }

  /** A write of the owner was refused. */
  #fenced(partition: number, owned: Owned, error: unknown): void {
    if (this.#owned.get(partition) !== owned) return;
    this.#options.log.warn('a partition was taken over while this instance stood still', {
      partition,
      error,
    });
    this.#lose(partition);
    this.#machine.fenced(partition);
    this.#step();
  }

  /** Tells in the bucket how far the partitions have come, for operators. */
  #report(): void {
    for (const [partition, owned] of this.#owned) {
      if (!owned.opened || owned.isEnding || owned.opened.run.savesInBucket) continue;
      const progress = this.#progress(owned);
      const text = JSON.stringify(progress);
      if (text === owned.told) continue;
      owned.told = text;
      owned.lease.write(progress).catch((error: unknown) => {
        owned.told = '';
        if (toFlotillaError(error).code === 'conflict') this.#fenced(partition, owned, error);
      });
    }
  }

  #progress({ lease, opened }: Owned): PartitionProgress {
    if (!opened) return { sequence: lease.sequence, inFlight: 0, retries: 0, deadLetters: 0 };
    const { inFlight, retries, deadLetters } = opened.run.counts;
    return { sequence: opened.run.checkpoint, inFlight, retries, deadLetters };
  }

  #counts(): PartitionCounts[] {
    return [...this.#owned.values()].flatMap(({ opened }) => (opened ? [opened.run.counts] : []));
  }

  #sum(figure: (counts: PartitionCounts) => number): number {
    return this.#counts().reduce((sum, counts) => sum + figure(counts), 0);
  }
}
