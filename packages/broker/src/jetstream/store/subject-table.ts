/**
 * The subjects of one stream: how many messages each has and which is the last. Those in use are kept in memory, a
 * bounded number of them; changes are written once per batch.
 */
import type { SubjectFilter } from '../stream/subject-filter.ts';
import { subjectChecksum } from './checksum.ts';
import { Statement } from './statement.ts';
import type { Store } from './store.ts';

export interface SubjectEntry {
  readonly id: number;
  /** Wire text. */
  readonly subject: string;
  readonly checksum: number;
  messages: number;
  /** Sequence of its last message; 0 when it has none. */
  last: number;
  /** Changed since it was last written. */
  dirty: boolean;
  /** Whether it has a row. */
  stored: boolean;
}

export interface SubjectCount {
  readonly id: number;
  readonly subject: string;
  readonly messages: number;
  readonly last: number;
}

type Row = [id: number, subject: string, messages: number, last: number];

/** Entries kept in each of two generations: the second one takes what was not used during the first. */
const GENERATION = 8_192;
/** The character behind the dot, with which every prefix ends. */
const AFTER_DOT = '/';
/** Behind every subject: wire text has no character above this one. */
const AFTER_ALL = '\u0100';

export class SubjectTable {
  readonly #store: Store;
  readonly #select: Statement<Row>;
  readonly #range: Statement<Row>;
  readonly #everything: Statement<Row>;
  readonly #crowded: Statement<Row>;
  readonly #page: Statement<Row>;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #delete: Statement;
  #young = new Map<string, SubjectEntry>();
  #old = new Map<string, SubjectEntry>();
  readonly #dirty: SubjectEntry[] = [];
  #nextId: number;
  #count: number;

  /** @param count number of rows, which the stream remembers so that nothing has to be counted. */
  constructor(store: Store, id: number, count: number) {
    this.#store = store;
    const { database } = store;
    const columns = `SELECT id, subject, messages, last FROM subjects_${id}`;
    this.#select = new Statement(database, `${columns} WHERE subject = ?`);
    this.#range = new Statement(database, `${columns} WHERE subject >= ? AND subject < ? ORDER BY subject`);
    this.#everything = new Statement(database, `${columns} ORDER BY subject`);
    this.#crowded = new Statement(database, `${columns} WHERE id > ? AND messages > ? ORDER BY id LIMIT ?`);
    this.#page = new Statement(
      database,
      `${columns} WHERE subject >= ? AND subject < ? ORDER BY subject LIMIT ?`,
    );
    this.#insert = new Statement(database, `INSERT INTO subjects_${id} VALUES (?, ?, ?, ?)`);
    this.#update = new Statement(database, `UPDATE subjects_${id} SET messages = ?, last = ? WHERE id = ?`);
    this.#delete = new Statement(database, `DELETE FROM subjects_${id} WHERE id = ?`);
    const highest = new Statement<[number | null]>(database, `SELECT max(id) FROM subjects_${id}`).get();
    this.#nextId = (highest?.[0] ?? 0) + 1;
    this.#count = count;
  }

  /** Subjects that have messages. */
  get count(): number {
    return this.#count;
  }

  /** The subject as it is now, or undefined when no message has it. */
  find(subject: string): SubjectEntry | undefined {
    const known = this.#lookUp(subject);
    return known === undefined || known.messages === 0 ? undefined : known;
  }

  /** Counts one more message, the newest of all. */
  added(subject: string, sequence: number): SubjectEntry {
    let entry = this.#lookUp(subject);
    if (entry === undefined) {
      const id = this.#nextId++;
      const checksum = subjectChecksum(subject);
      entry = { id, subject, checksum, messages: 0, last: 0, dirty: false, stored: false };
      this.#young.set(subject, entry);
    }
    if (entry.messages++ === 0) this.#count++;
    entry.last = sequence;
    this.#mark(entry);
    return entry;
  }

  /**
   * Counts one message less.
   *
   * @param lastBefore asked for the last message in front of the given one, when that was the last of several.
   */
  removed(
    subject: string,
    sequence: number,
    lastBefore: (entry: SubjectEntry, sequence: number) => number,
  ): void {
    const entry = this.find(subject);
    if (entry === undefined) return;
    if (--entry.messages === 0) {
      entry.last = 0;
      this.#count--;
    } else if (entry.last === sequence) {
      entry.last = lastBefore(entry, sequence);
    }
    this.#mark(entry);
  }

  /** All subjects with messages that match, in order of their bytes. */
  *matching(filter: SubjectFilter | undefined): Generator<SubjectCount> {
    if (filter?.isLiteral) {
      const entry = this.find(filter.subject);
      if (entry !== undefined) yield entry;
      return;
    }
    this.write();
    const prefix = filter?.prefix ?? '';
    const found =
      prefix === ''
        ? this.#everything.iterate()
        : this.#range.iterate(prefix, prefix.slice(0, -1) + AFTER_DOT);
    for (const [id, subject, messages, last] of found) {
      if (filter === undefined || filter.matches(subject)) yield { id, subject, messages, last };
    }
  }

  /**
   * The subjects with messages that match among the first `most` at or behind one, in order of their bytes, and the last one
   * that was looked at; undefined when there are no more behind it.
   */
  page(
    filter: SubjectFilter | undefined,
    from: string,
    most: number,
  ): { readonly found: readonly SubjectCount[]; readonly last: string | undefined } {
    if (filter?.isLiteral) return { found: [...this.matching(filter)], last: undefined };
    this.write();
    const prefix = filter?.prefix ?? '';
    const end = prefix === '' ? AFTER_ALL : prefix.slice(0, -1) + AFTER_DOT;
    const rows = this.#page.all(from < prefix ? prefix : from, end, most);
    const found = rows
      .filter(([, subject]) => filter === undefined || filter.matches(subject))
      .map(([id, subject, messages, last]) => ({ id, subject, messages, last }));
    return { found, last: rows.length < most ? undefined : rows.at(-1)![1] };
  }

  /** Up to `most` subjects with more messages than that, in the order of their ids, behind one of them. */
  above(messages: number, afterId: number, most: number): SubjectCount[] {
    this.write();
    return this.#crowded
      .all(afterId, messages, most)
      .map(([id, subject, count, last]) => ({ id, subject, messages: count, last }));
  }

  /** Writes what has changed. The batch must be open when something has. */
  write(): void {
    if (this.#dirty.length === 0) return;
    const store = this.#store;
    for (const entry of this.#dirty) {
      entry.dirty = false;
      if (entry.messages === 0) {
        if (entry.stored) store.run(this.#delete, entry.id);
        entry.stored = false;
      } else if (entry.stored) {
        store.run(this.#update, entry.messages, entry.last, entry.id);
      } else {
        store.run(this.#insert, entry.id, entry.subject, entry.messages, entry.last);
        entry.stored = true;
      }
    }
    this.#dirty.length = 0;
    this.#age();
  }

  #age(): void {
    // An entry that is not written yet must not be read from its row.
    if (this.#young.size <= GENERATION || this.#dirty.length > 0) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  #mark(entry: SubjectEntry): void {
    if (entry.dirty) return;
    entry.dirty = true;
    this.#dirty.push(entry);
  }

  #lookUp(subject: string): SubjectEntry | undefined {
    const young = this.#young.get(subject);
    if (young !== undefined) return young;
    const old = this.#old.get(subject);
    if (old !== undefined) {
      this.#old.delete(subject);
      this.#young.set(subject, old);
      return old;
    }
    // Nothing is stored that is not in memory: the usual case of a stream with few subjects.
    if (this.#count === 0) return undefined;
    const row = this.#select.get(subject);
    if (row === undefined) return undefined;
    const [id, , messages, last] = row;
    const checksum = subjectChecksum(subject);
    const entry = { id, subject, checksum, messages, last, dirty: false, stored: true };
    this.#young.set(subject, entry);
    this.#age();
    return entry;
  }
}
