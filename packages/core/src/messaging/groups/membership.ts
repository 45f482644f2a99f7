/**
 * Which partitions of a family this instance reads for a group: a pure state machine over what it sees in the group's bucket.
 *
 * Every member renews a record of its own (a beat). One whose record has not changed for `ttlMs`, by the clock of whoever watches,
 * is buried: its record is deleted under the condition that it is still the one that was seen, so that a member is either
 * buried or alive, for all. Wall clocks play no part. Partitions of members that have no record are free. A partition is
 * taken by compare-and-set, with an epoch above the last one; whatever its former owner still writes is refused.
 *
 * Every member works out the same fair share for everybody, gives back what it has too much, and takes what is free. An
 * instance that starts again under its old name takes its own partitions back without waiting for anything.
 */

/** What the bucket says of a partition. */
export interface PartitionRecord {
  /** An instance, or empty: given back. */
  readonly owner: string;
  readonly epoch: number;
}

export type GroupAction =
  /** Write this instance's record; `revision` is that of its last one, undefined where it has none. */
  | { readonly kind: 'beat'; readonly revision: number | undefined }
  /** Delete a member's record, if it is still this one. */
  | { readonly kind: 'bury'; readonly instance: string; readonly revision: number }
  /** Make this instance the owner, if the record is still the one of this revision (0: there is none). */
  | {
      readonly kind: 'acquire';
      readonly partition: number;
      readonly revision: number;
      readonly epoch: number;
    }
  /** Finish what is in hand, and give the partition back. */
  | { readonly kind: 'release'; readonly partition: number }
  /** Stop at once: it is another's, or may be. */
  | { readonly kind: 'lose'; readonly partition: number }
  /** Another process has this instance's name, and began later: this one must not read any more. */
  | { readonly kind: 'superseded' };

export interface MembershipOptions {
  readonly instance: string;
  /** When this process began, in Unix milliseconds: of two with one name the later one is the real one. */
  readonly startedAt: number;
  readonly partitions: number;
  readonly ttlMs: number;
}

interface Member {
  revision: number;
  /** Monotonic milliseconds of the last change that was seen. */
  seenAt: number;
}

interface Partition {
  record: PartitionRecord;
  revision: number;
  state: 'other' | 'acquiring' | 'mine' | 'releasing';
  /** Under which this instance owns it. */
  epoch: number;
}

/** Beats in a time to live; the first that gets through keeps the member alive. */
const beatsPerTtl = 3;
/** A member that could not renew its record for this share of the time to live stops before others take over. */
const safeShare = 0.75;
/** A partition that could not be taken is tried again after this share of the time to live, if nothing is seen before. */
const againShare = 0.1;

export class GroupMembership {
  readonly #instance: string;
  readonly #startedAt: number;
  readonly #ttlMs: number;
  readonly #members = new Map<string, Member>();
  readonly #partitions: Partition[];
  #revision: number | undefined;
  #beatDueAt = 0;
  #isBeating = false;
  /** When to try again to take what could not be taken. */
  #againAt = Number.POSITIVE_INFINITY;
  /** Until when others certainly think that this member lives. */
  #safeUntil = Number.NEGATIVE_INFINITY;
  #isReady = false;
  #isLeaving = false;
  #isSuperseded = false;

  constructor({ instance, startedAt, partitions, ttlMs }: MembershipOptions) {
    this.#instance = instance;
    this.#startedAt = startedAt;
    this.#ttlMs = ttlMs;
    this.#partitions = Array.from({ length: partitions }, () => ({
      record: { owner: '', epoch: 0 },
      revision: 0,
      state: 'other',
      epoch: 0,
    }));
  }

  /** Instances that live, this one included once it has a record, in the order in which shares are worked out. */
  get members(): string[] {
    return [...this.#members.keys()].sort();
  }

  /** Nothing is owned, and nothing is on the way to be. */
  get isIdle(): boolean {
    return this.#partitions.every(({ state }) => state === 'other');
  }

  get owned(): number[] {
    return this.#partitions.flatMap(({ state }, index) => (state === 'mine' ? [index] : []));
  }

  /** When {@link next} is to be asked again if nothing happens before, in monotonic milliseconds. */
  get wakeAt(): number {
    if (this.#isSuperseded) return Number.POSITIVE_INFINITY;
    let at = this.#againAt;
    if (!this.#isBeating && !this.#isLeaving) at = Math.min(at, this.#beatDueAt);
    if (!this.isIdle) at = Math.min(at, this.#safeUntil);
    for (const [instance, { seenAt }] of this.#members)
      if (instance !== this.#instance) at = Math.min(at, seenAt + this.#ttlMs);
    return at;
  }

  // What is seen in the bucket, in its order.

  /** A member's record was written. */
  memberSeen(instance: string, revision: number, startedAt: number, now: number): void {
    if (instance === this.#instance && startedAt > this.#startedAt) {
      this.#isSuperseded = true;
      return;
    }
    // The bucket shows its changes in order: who sees its own record has seen what was there before.
    if (instance === this.#instance && startedAt === this.#startedAt) this.#isReady = true;
    const known = this.#members.get(instance);
    if (known && known.revision >= revision) return;
    this.#members.set(instance, { revision, seenAt: now });
  }

  /** A member's record was deleted. */
  memberGone(instance: string, revision: number): void {
    const known = this.#members.get(instance);
    if (known && known.revision > revision) return;
    this.#members.delete(instance);
    if (instance === this.#instance && this.#revision !== undefined && this.#revision < revision)
      this.#disowned();
  }

  partitionSeen(index: number, record: PartitionRecord, revision: number): void {
    const partition = this.#partitions[index];
    if (!partition || partition.revision >= revision) return;
    partition.record = record;
    partition.revision = revision;
  }

  // What came of the actions.

  /** This member's record was written; it was sent at `sentAt`. */
  beaten(revision: number, sentAt: number): void {
    this.#isBeating = false;
    this.#revision = revision;
    this.#safeUntil = sentAt + this.#ttlMs * safeShare;
    // At the same moments for all groups of a process: they wake it once, and share a commit of the broker.
    const everyMs = this.#ttlMs / beatsPerTtl;
    this.#beatDueAt = (Math.floor(sentAt / everyMs) + 1) * everyMs;
    this.#members.set(this.#instance, { revision, seenAt: sentAt });
  }

  /** `refused`: the record is not the one that this member wrote; it was buried, or superseded. */
  beatFailed(reason: 'refused' | 'away', now: number): void {
    this.#isBeating = false;
    this.#beatDueAt = now + this.#ttlMs / beatsPerTtl / 4;
    if (reason === 'refused') this.#disowned();
  }

  /** This instance is the owner. */
  acquired(index: number, revision: number, epoch: number): void {
    const partition = this.#partitions[index]!;
    partition.state = 'mine';
    partition.epoch = epoch;
    if (partition.revision > revision) return;
    partition.record = { owner: this.#instance, epoch };
    partition.revision = revision;
  }

  acquireFailed(index: number, now: number): void {
    this.#partitions[index]!.state = 'other';
    this.#againAt = now + this.#ttlMs * againShare;
  }

  /** The owner has written its record: a checkpoint. */
  written(index: number, revision: number): void {
    const partition = this.#partitions[index]!;
    partition.revision = Math.max(partition.revision, revision);
  }

  /** The owner's write was refused: there is another. */
  fenced(index: number): void {
    this.#partitions[index]!.state = 'other';
  }

  /** What was released is given back. */
  released(index: number, revision: number): void {
    const partition = this.#partitions[index]!;
    partition.state = 'other';
    if (partition.revision > revision) return;
    partition.record = { owner: '', epoch: partition.epoch };
    partition.revision = revision;
  }

  /** Nothing is acquired any more; what is owned is released. */
  leave(): void {
    this.#isLeaving = true;
  }

  /** What to do now. Each action is given once; its outcome has to be told. */
  next(now: number): GroupAction[] {
    if (this.#isSuperseded) return [...this.#loseAll(), { kind: 'superseded' }];
    if (now >= this.#againAt) this.#againAt = Number.POSITIVE_INFINITY;
    const actions = now < this.#safeUntil ? this.#loseTaken() : this.#loseAll();
    if (!this.#isBeating && now >= this.#beatDueAt && !this.#isLeaving) {
      this.#isBeating = true;
      actions.push({ kind: 'beat', revision: this.#revision });
    }
    if (this.#isLeaving) return [...actions, ...this.#release(0)];
    if (!this.#isReady || now >= this.#safeUntil) return actions;
    actions.push(...this.#bury(now));
    const share = this.#share();
    return [...actions, ...this.#release(share), ...this.#acquire(share)];
  }

  /** Somebody else holds the name, or nobody: this member begins anew. */
  #disowned(): void {
    this.#revision = undefined;
    this.#beatDueAt = 0;
    this.#safeUntil = Number.NEGATIVE_INFINITY;
    this.#members.delete(this.#instance);
  }

  /** Partitions that the bucket says are another's, or this instance's under a later epoch. */
  #loseTaken(): GroupAction[] {
    return this.#lose(
      ({ record, state, epoch }) =>
        (state === 'mine' && record.owner !== this.#instance) ||
        ((state === 'mine' || state === 'releasing') && record.epoch > epoch),
    );
  }

  #loseAll(): GroupAction[] {
    return this.#lose(({ state }) => state === 'mine' || state === 'releasing');
  }

  #lose(isLost: (partition: Partition) => boolean): GroupAction[] {
    const actions: GroupAction[] = [];
    for (const [index, partition] of this.#partitions.entries()) {
      if (!isLost(partition)) continue;
      partition.state = 'other';
      actions.push({ kind: 'lose', partition: index });
    }
    return actions;
  }

  #bury(now: number): GroupAction[] {
    const actions: GroupAction[] = [];
    for (const [instance, member] of this.#members) {
      if (instance === this.#instance || now - member.seenAt < this.#ttlMs) continue;
      // Tried again after a while, if the answer is lost.
      member.seenAt = now - this.#ttlMs / 2;
      actions.push({ kind: 'bury', instance, revision: member.revision });
    }
    return actions;
  }

  /** As many for everybody, and one more for the first ones. */
  #share(): number {
    const members = this.members;
    const place = members.indexOf(this.#instance);
    if (place < 0) return 0;
    const { length } = this.#partitions;
    return Math.floor(length / members.length) + (place < length % members.length ? 1 : 0);
  }

  #release(share: number): GroupAction[] {
    const mine = this.owned;
    const actions: GroupAction[] = [];
    for (const index of mine.slice(share)) {
      this.#partitions[index]!.state = 'releasing';
      actions.push({ kind: 'release', partition: index });
    }
    return actions;
  }

  #acquire(share: number): GroupAction[] {
    let room =
      share - this.#partitions.filter(({ state }) => state === 'mine' || state === 'acquiring').length;
    const actions: GroupAction[] = [];
    const { length } = this.#partitions;
    // Members begin at places of their own, so that they seldom want the same one.
    const start = Math.floor(
      (Math.max(0, this.members.indexOf(this.#instance)) * length) / this.#members.size,
    );
    for (let step = 0; step < length; step++) {
      const index = (start + step) % length;
      const partition = this.#partitions[index]!;
      if (partition.state !== 'other' || !this.#isFree(partition.record)) continue;
      // What a former process of this name has left is taken in any case, and given back where it is too much: to the others it
      // belongs to a member that lives.
      if (room <= 0 && partition.record.owner !== this.#instance) continue;
      partition.state = 'acquiring';
      room -= 1;
      const epoch = partition.record.epoch + 1;
      actions.push({ kind: 'acquire', partition: index, revision: partition.revision, epoch });
    }
    return actions;
  }

  #isFree({ owner }: PartitionRecord): boolean {
    return owner === '' || owner === this.#instance || !this.#members.has(owner);
  }
}
