/**
 * Checkpoints in the service's database, in the same transaction as the effects. A row belongs to the epoch that claimed it last:
 * whoever was the owner before finds it taken, however long it stood still.
 */
import type { StatementSync } from 'node:sqlite';
import { platformError } from '../../errors/flotilla-error.ts';
import type { Database } from '../../store/database.ts';

export interface CheckpointKey {
  readonly group: string;
  readonly service: string;
  readonly partition: number;
}

export interface StoredCheckpoint {
  /** The stream that the sequence is of, as it is known: when it was made. */
  readonly stream: string;
  readonly epoch: number;
  /** The last sequence that is done with, as are all before it. -1: the group has not begun here. */
  readonly sequence: number;
  /** The publisher's own number of that message; the sequence where there is none. */
  readonly position: number;
}

export class Checkpoints {
  readonly #database: Database;
  readonly #select: StatementSync;
  readonly #claim: StatementSync;
  readonly #begin: StatementSync;
  readonly #update: StatementSync;

  constructor(database: Database) {
    this.#database = database;
    this.#select = database.prepare(
      `SELECT stream, epoch, sequence, position FROM flotilla_checkpoints
       WHERE consumer_group = ? AND service = ? AND partition = ?`,
    );
    this.#claim = database.prepare(
      `INSERT INTO flotilla_checkpoints (consumer_group, service, partition, stream, epoch, sequence, position)
       VALUES (?, ?, ?, '', ?, -1, -1) ON CONFLICT DO UPDATE SET epoch = excluded.epoch`,
    );
    this.#begin = database.prepare(
      `UPDATE flotilla_checkpoints SET stream = ?, sequence = ?, position = ?
       WHERE consumer_group = ? AND service = ? AND partition = ? AND epoch = ?`,
    );
    this.#update = database.prepare(
      `UPDATE flotilla_checkpoints SET sequence = ?, position = ?
       WHERE consumer_group = ? AND service = ? AND partition = ? AND epoch = ?`,
    );
  }

  read({ group, service, partition }: CheckpointKey): StoredCheckpoint | undefined {
    const row = this.#select.get(group, service, partition);
    return row as StoredCheckpoint | undefined;
  }

  /**
   * Makes an epoch the one that may write, and gives the checkpoint as it is.
   *
   * @throws FlotillaError `conflict` when a later epoch has it.
   */
  claim(key: CheckpointKey, epoch: number): Promise<StoredCheckpoint> {
    const { group, service, partition } = key;
    return this.#database.write(() => {
      const before = this.read(key);
      if (before && before.epoch > epoch) {
        throw platformError('conflict', `${describeKey(key)} is read under a later epoch`);
      }
      this.#claim.run(group, service, partition, epoch);
      return this.read(key)!;
    });
  }

  /**
   * To be called inside of a transaction, where the group does not go on in the stream that it has read so far.
   *
   * @throws FlotillaError `conflict` when the epoch may not write any more.
   */
  begin(key: CheckpointKey, { stream, epoch, sequence, position }: StoredCheckpoint): void {
    const { group, service, partition } = key;
    const { changes } = this.#begin.run(stream, sequence, position, group, service, partition, epoch);
    if (changes === 0) throw fenced(key);
  }

  /**
   * To be called inside of a transaction.
   *
   * @throws FlotillaError `conflict` when the epoch may not write any more.
   */
  requireEpoch(key: CheckpointKey, epoch: number): void {
    if (this.read(key)?.epoch !== epoch) throw fenced(key);
  }

  /** To be called inside of a transaction. @throws FlotillaError `conflict` when the epoch may not write any more. */
  save(
    { group, service, partition }: CheckpointKey,
    epoch: number,
    sequence: number,
    position: number,
  ): void {
    const { changes } = this.#update.run(sequence, position, group, service, partition, epoch);
    if (changes === 0) throw fenced({ group, service, partition });
  }
}

function describeKey({ group, service, partition }: CheckpointKey): string {
  return `partition ${partition} of ${service} for group ${group}`;
}

function fenced(key: CheckpointKey): Error {
  return platformError(
    'conflict',
    `${describeKey(key)} was taken over: nothing of this instance is written any more`,
  );
}
