/** The tables that messaging keeps in a service's own database, beside the service's rows. */
import type { Database } from '../../store/database.ts';

const tables = [
  // What is to be published, in the order of the commits. Numbers are never used twice: the relay remembers the last one.
  `CREATE TABLE IF NOT EXISTS flotilla_outbox (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT,
     service TEXT NOT NULL,
     event TEXT NOT NULL,
     partitions INTEGER NOT NULL,
     id TEXT NOT NULL,
     key TEXT,
     due INTEGER,
     headers BLOB NOT NULL,
     payload BLOB NOT NULL
   ) STRICT`,
  // Ids of messages that are handled. Time in Unix milliseconds.
  `CREATE TABLE IF NOT EXISTS flotilla_inbox (
     consumer_group TEXT NOT NULL,
     id TEXT NOT NULL,
     time INTEGER NOT NULL,
     PRIMARY KEY (consumer_group, id)
   ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS flotilla_inbox_time ON flotilla_inbox (time)',
  // How far each partition has come, and the epoch of who may write that. `stream` names the stream that the sequence is of.
  `CREATE TABLE IF NOT EXISTS flotilla_checkpoints (
     consumer_group TEXT NOT NULL,
     service TEXT NOT NULL,
     partition INTEGER NOT NULL,
     stream TEXT NOT NULL,
     epoch INTEGER NOT NULL,
     sequence INTEGER NOT NULL,
     position REAL NOT NULL,
     PRIMARY KEY (consumer_group, service, partition)
   ) STRICT, WITHOUT ROWID`,
];

/** Makes them where they are missing. */
export async function createTables(database: Database): Promise<void> {
  await database.write(() => {
    for (const sql of tables) database.prepare(sql).run();
  });
}
