/** How far the replay of the other venue is stored: written in the transaction that stores the event. */
import type { StatementSync } from 'node:sqlite';
import type { VenueEvent } from '@exchange/feeds';
import { type Database, platformError } from 'flotilla';
import { replacesBook } from './venue-source.ts';

export interface Position {
  readonly run: number;
  readonly sequence: number;
}

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

  /**
   * Moves to `event`. Returns whether a new run begins with it.
   *
   * @throws FlotillaError `conflict` when the event neither follows the last one nor replaces the book: the
   *   transaction must be undone.
   */
  advance(event: VenueEvent): boolean {
    const { run, sequence } = event;
    const { current } = this;
    const follows = current?.run === run && sequence === current.sequence + 1;
    if (!follows && !replacesBook(event)) {
      throw platformError(
        'conflict',
        `event ${run}/${sequence} of the other venue does not follow ${current?.run}/${current?.sequence}`,
      );
    }
    this.#write.run(run, sequence);
    return current !== undefined && current.run !== run;
  }
}
