/** Snapshots of the engine, so that a start replays the end of the journal only. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from 'flotilla';
import { type EngineState, snapshot } from './engine/index.ts';

/** Entries between two snapshots. */
const INTERVAL = 10_000;
/** Snapshots that keep their state: if one is damaged, the one before it serves. */
const KEPT = 3;

export interface StoredSnapshot {
  /** The state is that after this entry. */
  readonly sequence: number;
  readonly hash: string;
  /** JSON; null for an old one. */
  readonly state: string | null;
}

export class Snapshots {
  readonly #insert: StatementSync;
  readonly #prune: StatementSync;
  readonly #interval: number;
  #last: number;

  constructor(database: Pick<Database, 'prepare'>, interval = INTERVAL) {
    this.#interval = interval;
    this.#insert = database.prepare(
      'INSERT OR REPLACE INTO snapshots (sequence, hash, state) VALUES (?, ?, ?)',
    );
    this.#prune = database.prepare(
      `UPDATE snapshots SET state = NULL WHERE state IS NOT NULL AND sequence NOT IN
         (SELECT sequence FROM snapshots WHERE state IS NOT NULL ORDER BY sequence DESC LIMIT ${KEPT})`,
    );
    this.#last = Number(
      database.prepare('SELECT max(sequence) AS sequence FROM snapshots').get()!.sequence ?? 0,
    );
  }

  /** Whether enough has happened since the last one. */
  isDue(sequence: number): boolean {
    return sequence - this.#last >= this.#interval;
  }

  /** Stores the state after an entry. Inside a transaction. */
  save(sequence: number, state: EngineState): void {
    const taken = snapshot(state);
    this.#insert.run(sequence, taken.hash, JSON.stringify(taken));
    this.#prune.run();
    this.#last = sequence;
  }
}

/** The snapshots that can be restored, newest first. */
export function* storedSnapshots(database: Pick<Database, 'prepare'>): Generator<StoredSnapshot, void> {
  const rows = database
    .prepare('SELECT sequence, hash, state FROM snapshots WHERE state IS NOT NULL ORDER BY sequence DESC')
    .all();
  for (const row of rows) {
    yield { sequence: Number(row.sequence), hash: String(row.hash), state: String(row.state) };
  }
}

/** Sequence → hash of every snapshot ever taken. */
export function snapshotHashes(database: Pick<Database, 'prepare'>): Map<number, string> {
  const rows = database.prepare('SELECT sequence, hash FROM snapshots ORDER BY sequence').all();
  return new Map(rows.map((row) => [Number(row.sequence), String(row.hash)]));
}
