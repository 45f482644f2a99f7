/**
 * The engine's state after a start: the newest snapshot that is sound, and the journal after it. Everything is checked
 * on the way, because continuing from a wrong state would trade wrongly for as long as nobody notices.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Database, FlotillaError, type Logger } from 'flotilla';
import { apply, createState, type EngineState, restore } from './engine/index.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { storedSnapshots } from './snapshots.ts';

export interface Recovered {
  readonly state: EngineState;
  /** Sequence of the last entry in it. */
  readonly head: number;
  /** Entries replayed. */
  readonly replayed: number;
}

/**
 * @throws FlotillaError `journal_gap`, `journal_damaged`, or `journal_diverged` (this build does something else with a
 * command than what was acknowledged): the service must not start.
 */
export function recover(database: Pick<Database, 'prepare'>, log: Logger): Recovered {
  const journal = new Journal(database);
  const { last } = journal;
  const start = newestSound(database, last, log);
  let head = start.head;
  for (const entry of journal.after(start.head)) {
    replay(start.state, entry);
    head = entry.sequence;
  }
  return { state: start.state, head, replayed: head - start.head };
}

/** Applies an entry again; its events must be those of the first time. */
export function replay(state: EngineState, entry: JournalEntry): void {
  const { events } = apply(state, entry.command);
  // Through JSON, as the stored ones: a field that is undefined is no field.
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(events)), entry.events)) return;
  throw new FlotillaError(
    'journal_diverged',
    `this build does something else with entry ${entry.sequence} of the journal than what was acknowledged: ` +
      'run the build that wrote it, and report the difference',
  );
}

function newestSound(
  database: Pick<Database, 'prepare'>,
  last: number,
  log: Logger,
): { readonly state: EngineState; readonly head: number } {
  for (const { sequence, state } of storedSnapshots(database)) {
    if (sequence > last) {
      throw new FlotillaError(
        'journal_gap',
        `the journal ends at ${last}, before the snapshot at ${sequence}: restore the database of matching from a backup`,
      );
    }
    try {
      return { state: restore(JSON.parse(state!)), head: sequence };
    } catch (error) {
      log.error('a snapshot is damaged: an older one is used, and more of the journal', { sequence, error });
    }
  }
  return { state: createState(), head: 0 };
}
