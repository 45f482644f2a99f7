/**
 * Clears away the tables that streams have left behind, in bounded steps, and gives the space back to the file
 * system when much of a file is unused.
 */
import type { Steps } from '../steps.ts';
import { dropStreamTables } from './schema.ts';
import { Statement } from './statement.ts';
import type { Store } from './store.ts';
import type { StreamRows } from './stream-rows.ts';

/** Rows removed in one step. */
const STEP = 1_000;
/** Pages given back in one step. */
const PAGES = 256;
/** Unused pages that are kept for what comes next, and the part of the file from which on more are given back. */
const PAGES_KEPT = 4_096;
const UNUSED_PART = 0.25;

export class Clearing {
  readonly #store: Store;
  readonly #rows: StreamRows;
  readonly #steps: Steps;
  readonly #pageCount: Statement<[number]>;
  readonly #unused: Statement<[number]>;
  #shrinking = false;

  constructor(store: Store, rows: StreamRows, steps: Steps) {
    this.#store = store;
    this.#rows = rows;
    this.#steps = steps;
    this.#pageCount = new Statement(store.database, 'PRAGMA page_count');
    this.#unused = new Statement(store.database, 'PRAGMA freelist_count');
  }

  /** Goes on with what was not finished when the broker last ran. */
  resume(): void {
    for (const id of this.#rows.discarded()) this.clear(id);
    this.shrink();
  }

  /** Removes the tables of this number. */
  clear(id: number): void {
    const { database } = this.#store;
    const tables = [`messages_${id}`, `subjects_${id}`].map((table) => ({
      remove: new Statement(
        database,
        `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} LIMIT ${STEP})`,
      ),
      any: new Statement<[number]>(database, `SELECT 1 FROM ${table} LIMIT 1`),
    }));
    this.#steps.run(() => {
      const full = tables.find(({ any }) => any.get() !== undefined);
      this.#store.begin();
      if (full !== undefined) {
        this.#store.run(full.remove);
        return false;
      }
      this.#store.execute((opened) => dropStreamTables(opened, id));
      this.#rows.forget(id);
      this.shrink();
      return true;
    });
  }

  /** Gives unused space back, when there is much of it. */
  shrink(): void {
    if (this.#shrinking || !this.#isLoose()) return;
    this.#shrinking = true;
    this.#steps.run(() => {
      this.#store.begin();
      this.#store.execute((database) => database.exec(`PRAGMA incremental_vacuum(${PAGES})`));
      this.#shrinking = this.#isLoose();
      return !this.#shrinking;
    });
  }

  #isLoose(): boolean {
    const unused = this.#unused.get()?.[0] ?? 0;
    const pages = this.#pageCount.get()?.[0] ?? 0;
    return unused > PAGES_KEPT && unused > pages * UNUSED_PART;
  }
}
