/** The rows of the outbox: messages that were committed and are not certainly in their streams. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from '../../store/database.ts';
import type { EncodedMessage } from '../publishing/event-publisher.ts';

export interface OutboxMessage {
  /** Rises with the commits, and is never used twice. */
  readonly sequence: number;
  readonly service: string;
  readonly event: string;
  /** That the contract wants for the service's events. */
  readonly partitions: number;
  readonly message: EncodedMessage;
}

interface Row {
  readonly sequence: number;
  readonly service: string;
  readonly event: string;
  readonly partitions: number;
  readonly id: string;
  readonly key: string | null;
  readonly due: number | null;
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
}

export class OutboxTable {
  readonly #database: Database;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #remove: StatementSync;
  readonly #count: StatementSync;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = database.prepare(
      `INSERT INTO flotilla_outbox (service, event, partitions, id, key, due, headers, payload)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#read = database.prepare(
      'SELECT * FROM flotilla_outbox WHERE sequence > ? ORDER BY sequence LIMIT ?',
    );
    this.#remove = database.prepare('DELETE FROM flotilla_outbox WHERE sequence <= ?');
    this.#count = database.prepare('SELECT count(*) AS n FROM flotilla_outbox WHERE sequence > ?');
  }

  /** To be called inside of a transaction. */
  add({ service, event, partitions, message }: Omit<OutboxMessage, 'sequence'>): OutboxMessage {
    const { id, key = null, dueMs = null, headers, payload } = message;
    const { lastInsertRowid } = this.#insert.run(
      service,
      event,
      partitions,
      id,
      key,
      dueMs,
      headers,
      payload,
    );
    return { sequence: Number(lastInsertRowid), service, event, partitions, message };
  }

  /** The rows behind one, in their order. */
  read(after: number, limit: number): OutboxMessage[] {
    return (this.#read.all(after, limit) as unknown as Row[]).map(
      ({ id, key, due, headers, payload, ...rest }) => ({
        ...rest,
        message: {
          id,
          key: key ?? undefined,
          dueMs: due ?? undefined,
          headers: Buffer.from(headers),
          payload: Buffer.from(payload),
        },
      }),
    );
  }

  count(after: number): number {
    return Number(this.#count.get(after)?.n);
  }

  /** Removes the rows up to one. */
  async remove(upTo: number): Promise<void> {
    await this.#database.write(() => this.#remove.run(upTo));
  }
}
