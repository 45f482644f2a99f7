/**
 * The proof that the journal is all there is: replayed from its first entry, it gives the events that were acknowledged
 * and the state of every snapshot that was taken on the way.
 */
import { createHash } from 'node:crypto';
import { type Database, FlotillaError } from 'flotilla';
import { check, createState, stateHash } from './engine/index.ts';
import { Journal } from './journal.ts';
import { replay } from './recovery.ts';
import { snapshotHashes } from './snapshots.ts';

export interface JournalReport {
  readonly intact: boolean;
  /** Entries replayed before the end, or before the first difference. */
  readonly entries: number;
  /** Snapshots whose hash was met. */
  readonly snapshots: number;
  /** Hash of the state after the last entry replayed. */
  readonly stateHash: string;
  /** Hash over the stored commands and events, entry by entry. */
  readonly journalHash: string;
  /** What is wrong; empty when intact. */
  readonly faults: readonly string[];
}

/** Replays the whole journal. It stops at the first entry that cannot be replayed. */
export function verifyJournal(database: Pick<Database, 'prepare'>): JournalReport {
  const journal = new Journal(database);
  const hashes = snapshotHashes(database);
  const state = createState();
  const journalHash = createHash('sha256');
  const faults: string[] = [];
  let entries = 0;
  let snapshots = 0;
  const meet = (sequence: number): void => {
    const expected = hashes.get(sequence);
    if (expected === undefined) return;
    hashes.delete(sequence);
    if (stateHash(state) === expected) snapshots += 1;
    else faults.push(`the state after entry ${sequence} is not that of the snapshot taken there`);
  };
  meet(0);
  try {
    for (const entry of journal.after(0)) {
      replay(state, entry);
      journalHash.update(`${JSON.stringify([entry.sequence, entry.time, entry.command, entry.events])}\n`);
      entries = entry.sequence;
      meet(entry.sequence);
    }
    for (const sequence of hashes.keys()) {
      faults.push(`there is a snapshot at ${sequence}, but the journal ends at ${entries}`);
    }
  } catch (error) {
    if (!(error instanceof FlotillaError)) throw error;
    faults.push(`${error.code}: ${error.message}`);
  }
  faults.push(...check(state));
  return {
    intact: faults.length === 0,
    entries,
    snapshots,
    stateHash: stateHash(state),
    journalHash: journalHash.digest('hex'),
    faults,
  };
}
