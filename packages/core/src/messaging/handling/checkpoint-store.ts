/** Where the checkpoint of a partition is kept: in the group's bucket, or in the service's database. */

export interface FoundCheckpoint {
  /** The stream that it is of: when that was made. Undefined where that is not kept. */
  readonly stream: string | undefined;
  readonly sequence: number;
}

export interface CheckpointStore {
  /** Whether it is the bucket. */
  readonly isBucket: boolean;
  /** As it was found: the last sequence that is done with, as are all before it; below 0 when the group has not begun here. */
  readonly found: FoundCheckpoint;
  /** The group begins here, or goes on in another stream. @throws FlotillaError `conflict` as `save`. */
  begin(stream: string, sequence: number): Promise<void>;
  /** @throws FlotillaError `conflict` when another owns the partition by now. */
  save(sequence: number): Promise<void>;
}
