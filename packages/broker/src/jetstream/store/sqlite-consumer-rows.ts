/** The consumers of one stream on disk. */
import type { ConsumerProgress, ConsumerRows, PendingRow, StoredConsumer } from './consumer-rows.ts';
import { Statement } from './statement.ts';
import type { Store } from './store.ts';

type Consumer = [
  name: string,
  createdUs: number,
  config: string,
  deliveredConsumer: number,
  deliveredStream: number,
  ackFloorConsumer: number,
  ackFloorStream: number,
];
type Pending = [streamSequence: number, consumerSequence: number, timeMs: number, deliveries: number];

/** The statements are the same for all streams of a store. */
export class ConsumerStatements {
  readonly store: Store;
  readonly consumers: Statement<Consumer>;
  readonly pending: Statement<Pending>;
  readonly save: Statement;
  readonly saveProgress: Statement;
  readonly savePending: Statement;
  readonly deletePending: Statement;
  readonly deletePendingUpTo: Statement;
  readonly deleteAllPending: Statement;
  readonly remove: Statement;
  readonly removeAll: Statement;
  readonly removeAllPending: Statement;

  constructor(store: Store) {
    this.store = store;
    const { database } = store;
    const ofConsumer = 'WHERE stream = ? AND consumer = ?';
    this.consumers = new Statement(
      database,
      `SELECT name, created, config, delivered_consumer, delivered_stream, ack_floor_consumer, ack_floor_stream
         FROM consumers WHERE stream = ? ORDER BY name`,
    );
    this.pending = new Statement(
      database,
      `SELECT stream_sequence, consumer_sequence, time, deliveries FROM pending ${ofConsumer} ORDER BY stream_sequence`,
    );
    this.save = new Statement(
      database,
      `INSERT INTO consumers(stream, name, created, config) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET created = excluded.created, config = excluded.config`,
    );
    this.saveProgress = new Statement(
      database,
      `UPDATE consumers SET delivered_consumer = ?, delivered_stream = ?, ack_floor_consumer = ?,
         ack_floor_stream = ? WHERE stream = ? AND name = ?`,
    );
    this.savePending = new Statement(database, 'INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?)');
    this.deletePending = new Statement(database, `DELETE FROM pending ${ofConsumer} AND stream_sequence = ?`);
    this.deletePendingUpTo = new Statement(
      database,
      `DELETE FROM pending ${ofConsumer} AND stream_sequence <= ?`,
    );
    this.deleteAllPending = new Statement(database, `DELETE FROM pending ${ofConsumer}`);
    this.remove = new Statement(database, 'DELETE FROM consumers WHERE stream = ? AND name = ?');
    this.removeAll = new Statement(database, 'DELETE FROM consumers WHERE stream = ?');
    this.removeAllPending = new Statement(database, 'DELETE FROM pending WHERE stream = ?');
  }
}

export class SqliteConsumerRows implements ConsumerRows {
  readonly #statements: ConsumerStatements;
  readonly #store: Store;
  readonly #stream: string;

  constructor(statements: ConsumerStatements, stream: string) {
    this.#statements = statements;
    this.#store = statements.store;
    this.#stream = stream;
  }

  load(): StoredConsumer[] {
    const { consumers, pending } = this.#statements;
    return consumers.all(this.#stream).map(([name, createdUs, config, ...progress]) => {
      const [deliveredConsumer, deliveredStream, ackFloorConsumer, ackFloorStream] = progress;
      return {
        name,
        createdUs,
        config,
        progress: { deliveredConsumer, deliveredStream, ackFloorConsumer, ackFloorStream },
        pending: pending
          .all(this.#stream, name)
          .map(([streamSequence, consumerSequence, timeMs, deliveries]) => ({
            streamSequence,
            consumerSequence,
            timeMs,
            deliveries,
          })),
      };
    });
  }

  save(name: string, createdUs: number, config: string): void {
    this.#store.begin();
    this.#store.run(this.#statements.save, this.#stream, name, createdUs, config);
  }

  saveProgress(name: string, progress: ConsumerProgress): void {
    const { deliveredConsumer, deliveredStream, ackFloorConsumer, ackFloorStream } = progress;
    this.#store.begin();
    this.#store.run(
      this.#statements.saveProgress,
      deliveredConsumer,
      deliveredStream,
      ackFloorConsumer,
      ackFloorStream,
      this.#stream,
      name,
    );
  }

  savePending(name: string, { streamSequence, consumerSequence, timeMs, deliveries }: PendingRow): void {
    this.#store.begin();
    this.#store.run(
      this.#statements.savePending,
      this.#stream,
      name,
      streamSequence,
      consumerSequence,
      timeMs,
      deliveries,
    );
  }

  deletePending(name: string, streamSequence: number): void {
    this.#store.begin();
    this.#store.run(this.#statements.deletePending, this.#stream, name, streamSequence);
  }

  deletePendingUpTo(name: string, streamSequence: number): void {
    this.#store.begin();
    this.#store.run(this.#statements.deletePendingUpTo, this.#stream, name, streamSequence);
  }

  remove(name: string): void {
    this.#store.begin();
    this.#store.run(this.#statements.deleteAllPending, this.#stream, name);
    this.#store.run(this.#statements.remove, this.#stream, name);
  }

  /** Forgets all of them: the stream is deleted. */
  removeAll(): void {
    this.#store.begin();
    this.#store.run(this.#statements.removeAllPending, this.#stream);
    this.#store.run(this.#statements.removeAll, this.#stream);
  }
}
