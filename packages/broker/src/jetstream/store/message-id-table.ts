/** The message ids that a stream has seen, on disk: what the duplicate window gave, one row per batch. */
import { bufferOf, Statement } from './statement.ts';
import type { Store } from './store.ts';

/** Rows removed at a time. */
const STEP = 256;

export class MessageIdTable {
  readonly #store: Store;
  readonly #insert: Statement;
  readonly #delete: Statement;
  readonly #load: Statement<[NodeJS.NonSharedUint8Array]>;

  constructor(store: Store, id: number) {
    this.#store = store;
    const { database } = store;
    this.#insert = new Statement(database, `INSERT INTO ids_${id} VALUES (?, ?)`);
    this.#delete = new Statement(
      database,
      `DELETE FROM ids_${id} WHERE last_time IN (SELECT last_time FROM ids_${id} WHERE last_time < ? LIMIT ${STEP})`,
    );
    this.#load = new Statement(
      database,
      `SELECT entries FROM ids_${id} WHERE last_time >= ? ORDER BY last_time`,
    );
  }

  /** @param lastTimeUs of the newest entry, in µs since 1970. */
  insert(lastTimeUs: number, entries: Buffer): void {
    this.#store.begin();
    this.#store.run(this.#insert, lastTimeUs, entries);
  }

  /** Removes rows whose newest entry is older; at most 256 of them. */
  trim(beforeUs: number): void {
    this.#store.begin();
    this.#store.run(this.#delete, beforeUs);
  }

  *load(fromUs: number): Generator<Buffer> {
    for (const [entries] of this.#load.iterate(fromUs)) yield bufferOf(entries);
  }
}
