/**
 * A partition that this instance owns for a group: its record in the bucket, written by compare-and-set on the revision of the last
 * write, so that nothing is written any more once another has taken it over.
 */
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { GroupBucket } from './group-bucket.ts';
import type { PartitionRecord } from './membership.ts';

/** A partition's record as it is stored. */
export interface StoredPartition extends PartitionRecord {
  /** The service that the group belongs to. */
  readonly by: string;
  /** The only event that the group reads; undefined: several. */
  readonly event?: string | undefined;
  /** The checkpoint: the last sequence that is done with, as are all before it. -1: the group has not begun here. */
  readonly sequence: number;
  /** How many owners in a row went away without giving it back and without getting beyond this checkpoint. */
  readonly failedOwners?: number | undefined;
  /** When it was written, in Unix milliseconds. */
  readonly time: number;
  /** Messages being handled or waiting for another attempt. */
  readonly inFlight: number;
  /** Attempts beyond the first since the owner took it over. */
  readonly retries: number;
  readonly deadLetters: number;
}

/** What its owner tells of a partition. */
export type PartitionProgress = Pick<StoredPartition, 'sequence' | 'inFlight' | 'retries' | 'deadLetters'>;

export interface LeaseOptions {
  readonly bucket: GroupBucket;
  readonly key: string;
  readonly instance: string;
  readonly by: string;
  readonly event: string | undefined;
  readonly epoch: number;
  readonly revision: number;
  /** The checkpoint that the record had when it was taken over. */
  readonly sequence: number;
  readonly failedOwners: number;
  readonly onWritten: (revision: number) => void;
}

const writeWithinMs = 3_000;

export class PartitionLease {
  readonly #options: LeaseOptions;
  readonly epoch: number;
  /** The checkpoint found at the beginning; -1: none. */
  readonly sequence: number;
  /** How many owners in a row got no further, and never gave it back. */
  readonly failedOwners: number;
  #revision: number;
  #isLost = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.epoch = options.epoch;
    this.sequence = options.sequence;
    this.failedOwners = options.failedOwners;
    this.#revision = options.revision;
  }

  /** Another owns it, or may. */
  get isLost(): boolean {
    return this.#isLost;
  }

  lose(): void {
    this.#isLost = true;
  }

  /**
   * One at a time.
   *
   * @throws FlotillaError `conflict` when another owns the partition, `unavailable` or `deadline_exceeded` when nobody answers.
   */
  async write(progress: PartitionProgress): Promise<void> {
    await this.#put(this.#options.instance, progress);
  }

  /** Gives it back, with what has been reached. */
  async release(progress: PartitionProgress): Promise<number> {
    await this.#put('', progress);
    this.#isLost = true;
    return this.#revision;
  }

  async #put(owner: string, progress: PartitionProgress): Promise<void> {
    const { bucket, key, by, event, onWritten } = this.#options;
    if (this.#isLost) throw platformError('conflict', `${key} is no longer read by this instance`);
    const failedOwners = progress.sequence > this.sequence || owner === '' ? 0 : this.failedOwners;
    const state = { owner, epoch: this.epoch, by, event, failedOwners, time: Date.now() };
    const record: StoredPartition = { ...state, ...progress };
    try {
      this.#revision = await bucket.put(key, record, this.#revision, writeWithinMs);
    } catch (error) {
      if (toFlotillaError(error).code !== 'conflict' || !(await this.#isOurs())) throw error;
      this.#revision = await bucket.put(key, record, this.#revision, writeWithinMs);
    }
    onWritten(this.#revision);
  }

  /** An earlier write may have arrived although its acknowledgement did not: then its revision is the last one. */
  async #isOurs(): Promise<boolean> {
    const { bucket, key, instance } = this.#options;
    const entry = await bucket.get(key);
    const record = entry?.value as StoredPartition | undefined;
    if (record?.owner !== instance || record.epoch !== this.epoch) return false;
    this.#revision = entry!.revision;
    return true;
  }
}
