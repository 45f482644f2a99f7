/** The process of `InboxConsumer`: `node inbox-program.ts <servers> <stream> <database>`. */
import { DatabaseSync } from 'node:sqlite';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { waitFor } from 'flotilla/testing';
import { durable } from './inbox-consumer.ts';

const [servers, stream, path] = process.argv.slice(2);
process.once('disconnect', () => process.exit());

const database = new DatabaseSync(path!);
// A kill takes nothing from the page cache: flushing would only make the consumer slow.
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS inbox (number INTEGER PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS effects (number INTEGER);
`);
const begin = database.prepare('BEGIN IMMEDIATE');
const commit = database.prepare('COMMIT');
const remember = database.prepare('INSERT OR IGNORE INTO inbox VALUES (?)');
const effect = database.prepare('INSERT INTO effects VALUES (?)');

// The broker may be away at any moment, at first as well.
const nc = await connect({
  servers: servers!,
  waitOnFirstConnect: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 50,
});
const consumer = await waitFor(() => jetstream(nc, { timeout: 500 }).consumers.get(stream!, durable), {
  timeoutMs: 60_000,
});
const messages = await consumer.consume({ max_messages: 500, expires: 5_000 });
for await (const message of messages) {
  const text = message.string();
  const number = Number(text.slice(0, text.indexOf(' ')));
  begin.run();
  if (remember.run(number).changes === 1) effect.run(number);
  commit.run();
  message.ack();
}
