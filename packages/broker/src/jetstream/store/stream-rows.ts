/** The list of streams in one database, their counters, and the numbers of their tables. */

import { createStreamTables, moveStreamTables } from './schema.ts';
import { Statement } from './statement.ts';
import type { Store } from './store.ts';

/** Counters of a stream, as of the last commit. */
export interface StreamCounters {
  lastSequence: number;
  /** Of the last message, in µs since 1970; 0 before the first. */
  lastTimeUs: number;
  messages: number;
  bytes: number;
  subjects: number;
}

export interface StreamRow extends StreamCounters {
  readonly id: number;
  readonly name: string;
  /** In µs since 1970. */
  readonly createdUs: number;
  /** JSON. */
  readonly config: string;
  /** Whether messages may have subjects that the configuration does not name any more. */
  readonly subjectsChanged: boolean;
}

type Columns = [
  id: number,
  name: string,
  createdUs: number,
  config: string,
  lastSequence: number,
  lastTimeUs: number,
  messages: number,
  bytes: number,
  subjects: number,
  subjectsChanged: number,
];

export class StreamRows {
  readonly #store: Store;
  readonly #insert: Statement;
  readonly #configure: Statement;
  readonly #renumber: Statement;
  readonly #count: Statement;
  readonly #delete: Statement;
  readonly #discard: Statement;
  readonly #forget: Statement;
  readonly #advance: Statement;

  constructor(store: Store) {
    this.#store = store;
    const { database } = store;
    this.#insert = new Statement(database, 'INSERT INTO streams VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0)');
    this.#configure = new Statement(
      database,
      'UPDATE streams SET config = ?, subjects_changed = ? WHERE id = ?',
    );
    this.#renumber = new Statement(database, 'UPDATE streams SET id = ? WHERE id = ?');
    this.#count = new Statement(
      database,
      'UPDATE streams SET last_sequence = ?, last_time = ?, messages = ?, bytes = ?, subjects = ? WHERE id = ?',
    );
    this.#delete = new Statement(database, 'DELETE FROM streams WHERE id = ?');
    this.#discard = new Statement(database, 'INSERT INTO discarded VALUES (?)');
    this.#forget = new Statement(database, 'DELETE FROM discarded WHERE id = ?');
    this.#advance = new Statement(database, 'UPDATE numbers SET next = ?');
  }

  all(): StreamRow[] {
    const sql =
      'SELECT id, name, created, config, last_sequence, last_time, messages, bytes, subjects, subjects_changed FROM streams ORDER BY id';
    return new Statement<Columns>(this.#store.database, sql)
      .all()
      .map(
        ([
          id,
          name,
          createdUs,
          config,
          lastSequence,
          lastTimeUs,
          messages,
          bytes,
          subjects,
          subjectsChanged,
        ]) => ({
          id,
          name,
          createdUs,
          config,
          lastSequence,
          lastTimeUs,
          messages,
          bytes,
          subjects,
          subjectsChanged: subjectsChanged === 1,
        }),
      );
  }

  /** Numbers whose tables are to be cleared away. */
  discarded(): number[] {
    return new Statement<[number]>(this.#store.database, 'SELECT id FROM discarded ORDER BY id')
      .all()
      .map(([id]) => id);
  }

  create(name: string, createdUs: number, config: string): StreamRow {
    this.#store.begin();
    const id = this.#number();
    this.#store.execute((database) => createStreamTables(database, id));
    this.#store.run(this.#insert, id, name, createdUs, config);
    const counters = { lastSequence: 0, lastTimeUs: 0, messages: 0, bytes: 0, subjects: 0 };
    return { id, name, createdUs, config, ...counters, subjectsChanged: false };
  }

  configure(id: number, config: string, subjectsChanged: boolean): void {
    this.#store.begin();
    this.#store.run(this.#configure, config, subjectsChanged ? 1 : 0, id);
  }

  saveCounters(id: number, counters: StreamCounters): void {
    const { lastSequence, lastTimeUs, messages, bytes, subjects } = counters;
    this.#store.run(this.#count, lastSequence, lastTimeUs, messages, bytes, subjects, id);
  }

  /** Gives the stream new, empty tables and leaves the old ones to be cleared away. Returns their number. */
  empty(id: number): number {
    this.#store.begin();
    const next = this.#number();
    this.#store.execute((database) => moveStreamTables(database, id, next));
    this.#store.run(this.#renumber, next, id);
    this.#store.run(this.#discard, id);
    return next;
  }

  delete(id: number): void {
    this.#store.begin();
    this.#store.run(this.#delete, id);
    this.#store.run(this.#discard, id);
  }

  /** The tables of this number are gone. */
  forget(id: number): void {
    this.#store.begin();
    this.#store.run(this.#forget, id);
  }

  /** A number that no tables ever had. */
  #number(): number {
    const { database } = this.#store;
    const number = new Statement<[number]>(database, 'SELECT next FROM numbers').get()?.[0] ?? 1;
    this.#store.run(this.#advance, number + 1);
    return number;
  }
}
