/** How far the replay of the other venue is stored: written in the transaction that stores the event. */
import type { StatementSync } from 'node:sqlite';
import type { VenueEvent } from '@exchange/feeds';
import type { Database } from 'flotilla';

export interface Position {
  readonly run: number;
  readonly sequence: number;
}

/** An event is the next one, or was stored, or there are some between the last one stored and it. */
export type Place = 'next' | 'stored' | 'beyond';

export class VenuePosition {
  readonly #read: StatementSync;
  readonly #write: StatementSync;

  constructor(database: Database) {
    this.#read = database.prepare('SELECT run, sequence FROM venue_position');
    this.#write = database.prepare('INSERT OR REPLACE INTO venue_position VALUES (1, ?, ?)');
  }

  /** The last event that is stored. */
  get current(): Position | undefined {
    const row = this.#read.get();
    return row && { run: Number(row.run), sequence: Number(row.sequence) };
  }

  placeOf({ run, sequence }: Position): Place {
    const last = this.current ?? { run: 0, sequence: 0 };
    if (run < last.run) return 'stored';
    const after = run === last.run ? last.sequence : 0;
    if (sequence <= after) return 'stored';
    return sequence === after + 1 ? 'next' : 'beyond';
  }

  /** Moves to an event. Inside the transaction. Returns whether another run begins with it. */
  advance({ run, sequence }: VenueEvent): boolean {
    const { current } = this;
    this.#write.run(run, sequence);
    return current !== undefined && current.run !== run;
  }
}
