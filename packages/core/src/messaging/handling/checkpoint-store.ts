/** Where the checkpoint of a partition is kept: in the group's bucket, or in the service's database. */

export interface CheckpointStore {
  /** Whether it is the bucket. */
  readonly isBucket: boolean;
  /** The last sequence that is done with, as are all before it; undefined when the group has not begun here. */
  load(): Promise<number | undefined>;
  /** @throws FlotillaError `conflict` when another owns the partition by now. */
  save(sequence: number): Promise<void>;
}
