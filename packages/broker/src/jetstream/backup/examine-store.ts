/** Reads everything in a store that nobody uses: is every message what was written, and are all there that are counted? */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { BrokerError } from '../../broker-error.ts';
import { messageChecksum, subjectChecksum } from '../store/checksum.ts';
import { openDatabase } from '../store/database.ts';
import { bufferOf, Statement } from '../store/statement.ts';
import { storeFilesIn } from './idle-store.ts';
import type { StoredStream, StoreProblem, StoreReport } from './store-report.ts';

/** Of one kind; a file that is full of them is not worth a longer list. */
const MOST_PROBLEMS = 20;

type MessageRow = [
  sequence: number,
  timeUs: number,
  headerLength: number,
  checksum: number,
  payload: NodeJS.NonSharedUint8Array,
  subject: string | null,
];

/**
 * Folds the write-ahead logs in on the way, so that each file is whole by itself afterwards.
 *
 * @throws BrokerError `data_missing` when there is no store there, `data_locked` when somebody uses it, and what `openDatabase` says
 *   of files that cannot be opened at all.
 */
export function examineStore(directory: string): StoreReport {
  const files = storeFilesIn(directory);
  const streams: StoredStream[] = [];
  const problems: StoreProblem[] = [];
  for (const file of files) examineFile(directory, file, streams, problems);
  return {
    streams: streams.sort((a, b) => (a.name < b.name ? -1 : 1)),
    messages: streams.reduce((sum, { messages }) => sum + messages, 0),
    bytes: files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0),
    problems,
  };
}

function examineFile(
  directory: string,
  file: string,
  streams: StoredStream[],
  problems: StoreProblem[],
): void {
  const path = join(directory, file);
  const database = openDatabase(path, 'disk');
  try {
    for (const message of structureProblems(database)) problems.push({ file, message });
    const rows = new Statement<[id: number, name: string, messages: number, lastSequence: number]>(
      database,
      'SELECT id, name, messages, last_sequence FROM streams',
    ).all();
    for (const [id, name, counted, lastSequence] of rows) {
      const messages = examineMessages(database, id, (sequence, message) => {
        if (problems.length < MOST_PROBLEMS) problems.push({ file, stream: name, sequence, message });
      });
      if (messages !== counted && problems.length < MOST_PROBLEMS) {
        const message = `${messages} messages can be read, and ${counted} are counted`;
        problems.push({ file, stream: name, message });
      }
      streams.push({ name, messages, lastSequence });
    }
    // One file, that can be read where nothing can be written.
    database.exec('PRAGMA journal_mode = DELETE');
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    problems.push({ file, message: messageOf(error) });
  } finally {
    database.close();
  }
}

/** https://sqlite.org/pragma.html#pragma_quick_check */
function structureProblems(database: DatabaseSync): string[] {
  return new Statement<[string]>(database, `PRAGMA quick_check(${MOST_PROBLEMS})`)
    .all()
    .map(([message]) => message)
    .filter((message) => message !== 'ok');
}

/** The number of messages that can be read. */
function examineMessages(
  database: DatabaseSync,
  id: number,
  report: (sequence: number, message: string) => void,
): number {
  const rows = new Statement<MessageRow>(
    database,
    `SELECT m.sequence, m.time, m.head, m.checksum, m.payload, s.subject
     FROM messages_${id} m LEFT JOIN subjects_${id} s ON s.id = m.subject ORDER BY m.sequence`,
  ).iterate();
  let read = 0;
  let last = 0;
  try {
    for (const [sequence, timeUs, headerLength, checksum, bytes, subject] of rows) {
      read++;
      last = sequence;
      const intact =
        subject !== null &&
        messageChecksum(subjectChecksum(subject), sequence, timeUs, headerLength, bufferOf(bytes)) ===
          checksum;
      if (!intact) report(sequence, 'its checksum does not fit');
    }
  } catch (error) {
    report(last + 1, `from here on nothing can be read: ${messageOf(error)}`);
  }
  return read;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
