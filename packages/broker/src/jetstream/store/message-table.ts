/**
 * The messages of one stream on disk. Every message that is read is checked against its checksum. Rows below the
 * stream's first sequence are not there any more for anybody: they are removed together at the end of the batch.
 */
import type { StoredMessage } from '../stream/stored-message.ts';
import { messageChecksum, subjectChecksum } from './checksum.ts';
import { DamagedRecord } from './damaged-record.ts';
import { sqliteCode } from './database.ts';
import { bufferOf, Statement } from './statement.ts';
import type { Store } from './store.ts';
import type { SubjectEntry } from './subject-table.ts';

type MessageRow = [
  sequence: number,
  timeUs: number,
  headerLength: number,
  checksum: number,
  payload: NodeJS.NonSharedUint8Array,
  subject: string | null,
];

/** A message without its content. */
export interface MessageOutline {
  readonly sequence: number;
  /** Wire text. Empty when the database has lost it. */
  readonly subject: string;
  readonly timeUs: number;
  readonly headerLength: number;
  readonly payloadLength: number;
}

type OutlineRow = [
  sequence: number,
  subject: string | null,
  timeUs: number,
  headerLength: number,
  payloadLength: number,
];

const CORRUPT = 11;

export class MessageTable {
  readonly #store: Store;
  readonly #stream: string;
  readonly #insert: Statement;
  readonly #delete: Statement;
  readonly #deleteBelow: Statement;
  readonly #load: Statement<MessageRow>;
  readonly #next: Statement<MessageRow>;
  readonly #block: Statement<MessageRow>;
  readonly #nextOfSubject: Statement<MessageRow>;
  readonly #outline: Statement<OutlineRow>;
  readonly #outlines: Statement<OutlineRow>;
  readonly #outlinesOfSubject: Statement<OutlineRow>;
  readonly #sequenceAfter: Statement<[number]>;
  readonly #sequences: Statement<[number]>;
  readonly #timeAfter: Statement<[sequence: number, timeUs: number]>;
  readonly #sequenceOfSubject: Statement<[number]>;
  readonly #lastOfSubject: Statement<[number]>;
  readonly #countBetween: Statement<[number]>;
  readonly #countOfSubject: Statement<[number]>;
  readonly #countSome: Statement<[count: number, last: number | null]>;

  /** @param stream for the names of damaged messages. */
  constructor(store: Store, id: number, stream: string) {
    this.#store = store;
    this.#stream = stream;
    const { database } = store;
    const table = `messages_${id}`;
    // Left joins: a message whose subject is lost is damaged, not missing.
    const from = `FROM ${table} m LEFT JOIN subjects_${id} s ON s.id = m.subject`;
    const message = `SELECT m.sequence, m.time, m.head, m.checksum, m.payload, s.subject ${from}`;
    const outline = `SELECT m.sequence, s.subject, m.time, m.head, length(m.payload) ${from}`;
    this.#insert = new Statement(database, `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?)`);
    this.#delete = new Statement(database, `DELETE FROM ${table} WHERE sequence = ?`);
    this.#deleteBelow = new Statement(database, `DELETE FROM ${table} WHERE sequence < ?`);
    this.#load = new Statement(database, `${message} WHERE m.sequence = ?`);
    this.#next = new Statement(database, `${message} WHERE m.sequence >= ? ORDER BY m.sequence LIMIT 1`);
    this.#block = new Statement(database, `${message} WHERE m.sequence >= ? ORDER BY m.sequence LIMIT ?`);
    this.#nextOfSubject = new Statement(
      database,
      `${message} WHERE m.subject = ? AND m.sequence >= ? ORDER BY m.sequence LIMIT 1`,
    );
    this.#outline = new Statement(database, `${outline} WHERE m.sequence = ?`);
    this.#outlines = new Statement(database, `${outline} WHERE m.sequence >= ? ORDER BY m.sequence LIMIT ?`);
    this.#outlinesOfSubject = new Statement(
      database,
      `${outline} WHERE m.subject = ? AND m.sequence >= ? ORDER BY m.sequence LIMIT ?`,
    );
    this.#sequenceAfter = new Statement(
      database,
      `SELECT sequence FROM ${table} WHERE sequence >= ? ORDER BY sequence LIMIT 1`,
    );
    this.#sequences = new Statement(
      database,
      `SELECT sequence FROM ${table} WHERE sequence >= ? ORDER BY sequence LIMIT ?`,
    );
    this.#timeAfter = new Statement(
      database,
      `SELECT sequence, time FROM ${table} WHERE sequence >= ? ORDER BY sequence LIMIT 1`,
    );
    this.#sequenceOfSubject = new Statement(
      database,
      `SELECT sequence FROM ${table} WHERE subject = ? AND sequence >= ? ORDER BY sequence LIMIT 1`,
    );
    this.#lastOfSubject = new Statement(
      database,
      `SELECT sequence FROM ${table} WHERE subject = ? AND sequence < ? ORDER BY sequence DESC LIMIT 1`,
    );
    this.#countBetween = new Statement(
      database,
      `SELECT count(*) FROM ${table} WHERE sequence >= ? AND sequence < ?`,
    );
    this.#countOfSubject = new Statement(
      database,
      `SELECT count(*) FROM ${table} WHERE subject = ? AND sequence >= ? AND sequence < ?`,
    );
    this.#countSome = new Statement(
      database,
      `SELECT count(*), max(sequence) FROM
         (SELECT sequence FROM ${table} WHERE subject = ? AND sequence >= ? AND sequence < ? ORDER BY sequence LIMIT ?)`,
    );
  }

  append(
    subject: SubjectEntry,
    sequence: number,
    timeUs: number,
    headerLength: number,
    payload: Buffer,
  ): void {
    const checksum = messageChecksum(subject.checksum, sequence, timeUs, headerLength, payload);
    this.#store.run(this.#insert, sequence, subject.id, timeUs, headerLength, checksum, payload);
  }

  /** @throws DamagedRecord */
  load(sequence: number): StoredMessage | undefined {
    return this.#read(sequence, () => this.#load.get(sequence));
  }

  /** The first message at or after `from`. @throws DamagedRecord */
  next(from: number): StoredMessage | undefined {
    return this.#read(from, () => this.#next.get(from));
  }

  /** Up to `limit` messages at or after `from`, ascending, up to the first that is damaged. */
  block(from: number, limit: number): { readonly messages: StoredMessage[]; readonly isCut: boolean } {
    const messages: StoredMessage[] = [];
    try {
      for (const row of this.#block.all(from, limit)) messages.push(this.#intact(row));
      return { messages, isCut: false };
    } catch (error) {
      // Whoever comes to the damaged one by itself is told.
      if (error instanceof DamagedRecord || sqliteCode(error) === CORRUPT) return { messages, isCut: true };
      throw error;
    }
  }

  /** The first message of a subject at or after `from`. @throws DamagedRecord */
  nextOfSubject(subjectId: number, from: number): StoredMessage | undefined {
    return this.#read(from, () => this.#nextOfSubject.get(subjectId, from));
  }

  outline(sequence: number): MessageOutline | undefined {
    const row = this.#outline.get(sequence);
    return row === undefined ? undefined : outlineOf(row);
  }

  /** Up to `limit` messages at or after `from`, ascending. */
  outlines(from: number, limit: number): MessageOutline[] {
    return this.#outlines.all(from, limit).map(outlineOf);
  }

  outlinesOfSubject(subjectId: number, from: number, limit: number): MessageOutline[] {
    return this.#outlinesOfSubject.all(subjectId, from, limit).map(outlineOf);
  }

  /** The first sequence at or after `from` that is stored. */
  sequenceAfter(from: number): number | undefined {
    return this.#sequenceAfter.get(from)?.[0];
  }

  /** Up to `limit` sequences at or after `from` that are stored, ascending. */
  sequences(from: number, limit: number): number[] {
    return this.#sequences.all(from, limit).map(([sequence]) => sequence);
  }

  /** The first sequence at or after `from` that is stored, and its time. */
  timeAfter(from: number): readonly [sequence: number, timeUs: number] | undefined {
    return this.#timeAfter.get(from);
  }

  sequenceOfSubject(subjectId: number, from: number): number | undefined {
    return this.#sequenceOfSubject.get(subjectId, from)?.[0];
  }

  /** The last sequence of a subject in front of `before`; 0 when there is none. */
  lastOfSubject(subjectId: number, before: number): number {
    return this.#lastOfSubject.get(subjectId, before)?.[0] ?? 0;
  }

  /** Linear in what it counts. */
  count(from: number, to: number): number {
    return this.#countBetween.get(from, to)?.[0] ?? 0;
  }

  /** Linear in what it counts. */
  countOfSubject(subjectId: number, from: number, to: number): number {
    return this.#countOfSubject.get(subjectId, from, to)?.[0] ?? 0;
  }

  /** The same for `limit` messages at most: how many, and the last of them. */
  countSome(
    subjectId: number,
    from: number,
    to: number,
    limit: number,
  ): readonly [count: number, last: number] {
    const [count = 0, last = 0] = this.#countSome.get(subjectId, from, to, limit) ?? [];
    return [count, last ?? 0];
  }

  delete(sequence: number): void {
    this.#store.run(this.#delete, sequence);
  }

  deleteBelow(sequence: number): void {
    this.#store.run(this.#deleteBelow, sequence);
  }

  #read(at: number, query: () => MessageRow | undefined): StoredMessage | undefined {
    let row: MessageRow | undefined;
    try {
      row = query();
    } catch (error) {
      if (sqliteCode(error) === CORRUPT) throw new DamagedRecord(this.#stream, at, error);
      throw error;
    }
    return row === undefined ? undefined : this.#intact(row);
  }

  #intact([sequence, timeUs, headerLength, checksum, bytes, subject]: MessageRow): StoredMessage {
    const payload = bufferOf(bytes);
    const isIntact =
      subject !== null &&
      messageChecksum(subjectChecksum(subject), sequence, timeUs, headerLength, payload) === checksum;
    if (!isIntact) throw new DamagedRecord(this.#stream, sequence);
    return { sequence, timeUs, subject, payload, headerLength };
  }
}

function outlineOf([sequence, subject, timeUs, headerLength, payloadLength]: OutlineRow): MessageOutline {
  return { sequence, subject: subject ?? '', timeUs, headerLength, payloadLength };
}
