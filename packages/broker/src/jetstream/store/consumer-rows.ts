/** What is kept of the consumers of one stream. Written in the transaction that is open; see `Commits`. */

export interface ConsumerProgress {
  readonly deliveredConsumer: number;
  readonly deliveredStream: number;
  readonly ackFloorConsumer: number;
  readonly ackFloorStream: number;
}

/** A delivered message that is not acknowledged yet. */
export interface PendingRow {
  readonly streamSequence: number;
  readonly consumerSequence: number;
  /** Time of the last delivery, in ms since 1970. */
  readonly timeMs: number;
  readonly deliveries: number;
}

export interface StoredConsumer {
  readonly name: string;
  /** In µs since 1970. */
  readonly createdUs: number;
  /** JSON, as it was given to `save`. */
  readonly config: string;
  readonly progress: ConsumerProgress;
  /** Ascending by stream sequence. */
  readonly pending: readonly PendingRow[];
}

export interface ConsumerRows {
  load(): StoredConsumer[];
  /** Creates the consumer, or changes its configuration and keeps its progress. */
  save(name: string, createdUs: number, config: string): void;
  saveProgress(name: string, progress: ConsumerProgress): void;
  /** Inserts or replaces. */
  savePending(name: string, row: PendingRow): void;
  deletePending(name: string, streamSequence: number): void;
  deletePendingUpTo(name: string, streamSequence: number): void;
  /** Forgets the consumer and everything pending. */
  remove(name: string): void;
}
