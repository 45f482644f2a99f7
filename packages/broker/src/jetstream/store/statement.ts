/**
 * A statement that is prepared when it is first used (a broker may have a thousand streams, most of them idle) and
 * whose rows are tuples: what `SELECT a, b` gives is `[a, b]`, without an object for each row.
 */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

/** `Row` says what the columns are; the SQL is the one place that knows. */
export class Statement<Row extends readonly SQLOutputValue[] = []> {
  readonly #database: DatabaseSync;
  readonly #sql: string;
  #prepared: StatementSync | undefined;

  constructor(database: DatabaseSync, sql: string) {
    this.#database = database;
    this.#sql = sql;
  }

  get(...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement().get(...parameters) as unknown as Row | undefined;
  }

  all(...parameters: SQLInputValue[]): Row[] {
    return this.#statement().all(...parameters) as unknown as Row[];
  }

  /** One row at a time. Nothing may be written to the table before it ends. */
  iterate(...parameters: SQLInputValue[]): Iterable<Row> {
    return this.#statement().iterate(...parameters) as unknown as Iterable<Row>;
  }

  run(...parameters: SQLInputValue[]): void {
    this.#statement().run(...parameters);
  }

  #statement(): StatementSync {
    if (this.#prepared === undefined) {
      this.#prepared = this.#database.prepare(this.#sql);
      // The types of node:sqlite do not follow this: hence the casts above.
      this.#prepared.setReturnArrays(true);
    }
    return this.#prepared;
  }
}

/** The bytes of a BLOB column as a Buffer, without a copy. */
export function bufferOf(blob: Uint8Array): Buffer {
  return Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
}
