/**
 * The tables of one database file. Messages, subjects and message ids of a stream are in tables of their own, named
 * by the stream's number: emptying a stream is giving it a new number, and the old tables are cleared away later.
 */
import type { DatabaseSync } from 'node:sqlite';

/** Raised whenever files of an older version can no longer be read as they are. */
export const SCHEMA_VERSION = 1;

export function createSchema(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE streams(
      id INTEGER PRIMARY KEY,          -- number of its tables; never used twice
      name TEXT NOT NULL UNIQUE,
      created INTEGER NOT NULL,        -- µs since 1970
      config TEXT NOT NULL,            -- JSON
      last_sequence INTEGER NOT NULL,
      last_time INTEGER NOT NULL,      -- µs since 1970
      messages INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      subjects INTEGER NOT NULL,
      subjects_changed INTEGER NOT NULL -- 1 when messages may have subjects that the configuration does not name
    ) STRICT;
    CREATE TABLE discarded(id INTEGER PRIMARY KEY) STRICT;  -- numbers whose tables are to be cleared away
    CREATE TABLE numbers(
      next INTEGER NOT NULL,           -- the next number of tables
      commits INTEGER NOT NULL         -- how many there have been
    ) STRICT;
    INSERT INTO numbers VALUES (1, 0);
    CREATE TABLE consumers(
      stream TEXT NOT NULL,
      name TEXT NOT NULL,
      created INTEGER NOT NULL,
      config TEXT NOT NULL,
      delivered_consumer INTEGER NOT NULL DEFAULT 0,
      delivered_stream INTEGER NOT NULL DEFAULT 0,
      ack_floor_consumer INTEGER NOT NULL DEFAULT 0,
      ack_floor_stream INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (stream, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pending(
      stream TEXT NOT NULL,
      consumer TEXT NOT NULL,
      stream_sequence INTEGER NOT NULL,
      consumer_sequence INTEGER NOT NULL,
      time INTEGER NOT NULL,           -- ms since 1970
      deliveries INTEGER NOT NULL,
      PRIMARY KEY (stream, consumer, stream_sequence)
    ) STRICT, WITHOUT ROWID;
  `);
}

export function createStreamTables(database: DatabaseSync, id: number): void {
  createMessageTables(database, id);
  database.exec(`
    CREATE TABLE ids_${id}(
      last_time INTEGER PRIMARY KEY,   -- µs since 1970 of the newest in the row
      entries BLOB NOT NULL            -- see DuplicateWindow.takeNew
    ) STRICT;
  `);
}

/** Tables for a stream that has been emptied; the message ids it has seen go with it. */
export function moveStreamTables(database: DatabaseSync, from: number, to: number): void {
  createMessageTables(database, to);
  database.exec(`ALTER TABLE ids_${from} RENAME TO ids_${to}`);
}

function createMessageTables(database: DatabaseSync, id: number): void {
  database.exec(`
    CREATE TABLE messages_${id}(
      sequence INTEGER PRIMARY KEY,
      subject INTEGER NOT NULL,        -- number in subjects_${id}
      time INTEGER NOT NULL,           -- µs since 1970
      head INTEGER NOT NULL,           -- length of the header block at the front of the payload
      checksum INTEGER NOT NULL,
      payload BLOB NOT NULL
    ) STRICT;
    CREATE INDEX by_subject_${id} ON messages_${id}(subject, sequence);
    CREATE TABLE subjects_${id}(
      id INTEGER PRIMARY KEY,
      subject TEXT NOT NULL UNIQUE,    -- wire text
      messages INTEGER NOT NULL,
      last INTEGER NOT NULL            -- sequence of its last message
    ) STRICT;
  `);
}

/** For empty tables: dropping touches every page that is not. */
export function dropStreamTables(database: DatabaseSync, id: number): void {
  database.exec(`DROP TABLE messages_${id}; DROP TABLE subjects_${id}; DROP TABLE IF EXISTS ids_${id}`);
}
