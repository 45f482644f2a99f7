/**
 * How far a follower of the engine's log has come, stored in its own database in the same transaction as what the
 * entries did there. That makes the effects happen exactly once: an entry is applied only as the successor of the last.
 *
 * The follower's migrations make the table:
 *
 * ```sql
 * CREATE TABLE log_checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
 * INSERT INTO log_checkpoint VALUES (1, 0);
 * ```
 */
import type { StatementSync } from 'node:sqlite';
import { type Database, platformError } from 'flotilla';

export class LogCheckpoint {
  readonly #read: StatementSync;
  readonly #advance: StatementSync;

  constructor(database: Database) {
    this.#read = database.prepare('SELECT sequence FROM log_checkpoint');
    this.#advance = database.prepare('UPDATE log_checkpoint SET sequence = ? WHERE sequence = ?');
  }

  /** Sequence of the last applied entry; 0 before the first. */
  get sequence(): number {
    return Number(this.#read.get()!.sequence);
  }

  /**
   * Moves from `from` (default: the entry before) to `to`. Call it first in the transaction that applies the entries.
   *
   * @throws FlotillaError `conflict` when the checkpoint is elsewhere: the transaction must be undone.
   */
  advance(to: number, from = to - 1): void {
    if (this.#advance.run(to, from).changes === 1) return;
    throw platformError(
      'conflict',
      `entry ${to} of the log cannot be applied: the checkpoint is at ${this.sequence}, not at ${from}`,
    );
  }
}
