/** A partition while its owner reads it. */
import type { Msg } from '@nats-io/nats-core';
import type { FlotillaError } from '../../errors/flotilla-error.ts';
import type { Delivery } from '../jetstream/delivery.ts';

export interface PartitionCounts {
  /** Messages that are stored and not handled. */
  readonly lag: number;
  /** Age of the oldest message in hand, in milliseconds; 0 when there is none. */
  readonly oldestMs: number;
  /** Messages in hand: being handled, or waiting. */
  readonly inFlight: number;
  /** Attempts beyond the first. */
  readonly retries: number;
  readonly deadLetters: number;
}

export interface PartitionRun {
  /** The last sequence that is done with, as are all before it. */
  readonly checkpoint: number;
  readonly counts: PartitionCounts;
  /** Its checkpoints are in the bucket, with its counts: they need not be reported there. */
  readonly savesInBucket: boolean;
  /** The next message of the partition. */
  received(raw: Msg, delivery: Delivery): void;
  /** The next message of the partition, which is not to be handled: it has killed its process too often. */
  condemned(raw: Msg, delivery: Delivery): void;
  /** Takes nothing any more; resolves once what is in hand has ended, or after `graceMs`, with the checkpoint saved. */
  stop(graceMs: number): Promise<void>;
  /** Another owns the partition: nothing that is still done here counts. */
  abort(reason: FlotillaError): void;
}
