/**
 * The messages of one stream and everything that is counted about them, in memory and on disk. It knows no limits, no
 * consumers and no clock. Memory is ahead of the disk by the open batch.
 */
import { DamagedRecord } from '../store/damaged-record.ts';
import { type MessageOutline, MessageTable } from '../store/message-table.ts';
import type { Store } from '../store/store.ts';
import type { StreamRow, StreamRows } from '../store/stream-rows.ts';
import { type SubjectEntry, SubjectTable } from '../store/subject-table.ts';
import { Front } from './front.ts';
import { messageSize } from './message-size.ts';
import { Block, type ReadAhead } from './read-ahead.ts';
import type { StoredMessage } from './stored-message.ts';
import type { StorageKind } from './stream-config.ts';
import { Tail, type TailBudget } from './tail.ts';

/** Without telling of the single message: whoever removes it tells of all of them. */
export const QUIETLY = true;

/** Messages that are read ahead at most, and bytes about. */
const MOST_AHEAD = 256;
const BYTES_AHEAD = 256 * 1024;
/** Messages of which fewer fit are not read ahead. */
const LEAST_AHEAD = 8;

export class MessageLog {
  readonly name: string;
  readonly storage: StorageKind;
  readonly #store: Store;
  readonly #rows: StreamRows;
  readonly #front: Front;
  readonly #tail: Tail;
  readonly #readAhead: ReadAhead;
  readonly #lastOfSubject = (entry: SubjectEntry, sequence: number): number =>
    this.table.lastOfSubject(entry.id, sequence);
  readonly #write = (): void => this.#writeCounters();
  #id: number;
  table: MessageTable;
  subjects: SubjectTable;
  #lastSequence: number;
  #lastTimeUs: number;
  #messages: number;
  #bytes: number;
  #dirty = false;
  /** `#lastSequence` when the open batch began to change anything. */
  #lastBefore = 0;
  /** Rows below the first message that are still on disk. */
  #leftBelow = false;
  /** Whether new messages go into the tail as well. */
  #keepsTail = false;
  readonly #budget: TailBudget;
  readonly #removed: (sequence: number, subject: string) => void;

  /** @param removed told of every single message that goes; not of those that `empty` takes. */
  constructor(
    store: Store,
    rows: StreamRows,
    row: StreamRow,
    storage: StorageKind,
    budget: TailBudget,
    readAhead: ReadAhead,
    removed: (sequence: number, subject: string) => void,
  ) {
    this.#removed = removed;
    this.name = row.name;
    this.storage = storage;
    this.#store = store;
    this.#rows = rows;
    this.#budget = budget;
    this.#readAhead = readAhead;
    this.#id = row.id;
    this.#lastSequence = row.lastSequence;
    this.#lastTimeUs = row.lastTimeUs;
    this.#messages = row.messages;
    this.#bytes = row.bytes;
    this.table = new MessageTable(store, row.id, row.name);
    this.subjects = new SubjectTable(store, row.id, row.subjects);
    this.#tail = new Tail(budget, row.lastSequence + 1);
    this.#front = new Front((from, limit) => {
      this.subjects.write();
      return this.table.outlines(from, limit);
    });
  }

  /** Number of the stream's tables. */
  get id(): number {
    return this.#id;
  }

  /** Whether there is no room on the disk for more messages. */
  get isFull(): boolean {
    return this.#store.isFull;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  /** The last sequence that is on disk. */
  get committed(): number {
    return this.#dirty ? this.#lastBefore : this.#lastSequence;
  }

  /** Of the last message, stored or not any more, in µs since 1970; 0 before the first. */
  get lastTimeUs(): number {
    return this.#lastTimeUs;
  }

  get first(): MessageOutline | undefined {
    return this.#messages === 0 ? undefined : this.#front.first(this.#lastSequence + 1);
  }

  /** Of the oldest message; one more than the last when there is none. */
  get firstSequence(): number {
    return this.first?.sequence ?? this.#lastSequence + 1;
  }

  sizeOf(message: Pick<MessageOutline, 'subject' | 'headerLength' | 'payloadLength'>): number {
    return messageSize(this.storage, message.subject.length, message.headerLength, message.payloadLength);
  }

  /** From now on, or no longer, new messages stay in memory for consumers that keep up. */
  keepTail(keep: boolean): void {
    if (keep === this.#keepsTail) return;
    this.#keepsTail = keep;
    this.#tail.clear(this.#lastSequence + 1);
  }

  /**
   * Stores bytes `start` to `end` as the newest message.
   *
   * @param subject wire text.
   * @returns its sequence.
   */
  append(
    subject: string,
    timeUs: number,
    headerLength: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    this.#touch();
    const sequence = this.#lastSequence + 1;
    const entry = this.subjects.added(subject, sequence);
    const payload = this.#keepsTail ? this.#budget.keep(bytes, start, end) : bytes.subarray(start, end);
    this.table.append(entry, sequence, timeUs, headerLength, payload);
    this.#lastSequence = sequence;
    this.#lastTimeUs = timeUs;
    this.#messages++;
    this.#bytes += messageSize(this.storage, subject.length, headerLength, end - start);
    // The entry's own string, so that equal subjects are one string in memory.
    const kept = entry.subject;
    if (this.#keepsTail) this.#tail.push({ sequence, timeUs, subject: kept, payload, headerLength });
    if (this.#front.wants(sequence)) {
      this.#front.appended({ sequence, subject: kept, timeUs, headerLength, payloadLength: end - start });
    }
    return sequence;
  }

  /** Uses up a sequence without storing anything. */
  skip(timeUs: number): number {
    this.#touch();
    const sequence = ++this.#lastSequence;
    this.#lastTimeUs = timeUs;
    if (this.#keepsTail) this.#tail.skip();
    this.#front.skipped(sequence);
    return sequence;
  }

  /** Removes the oldest message. */
  removeFirst(quietly = false): MessageOutline | undefined {
    const first = this.first;
    if (first === undefined) return undefined;
    this.#touch();
    this.#leftBelow = true;
    this.#forget(first, quietly);
    return first;
  }

  /** Removes one message; undefined when it does not exist. */
  remove(sequence: number, quietly = false): MessageOutline | undefined {
    const first = this.first;
    if (first === undefined || sequence < first.sequence) return undefined;
    if (sequence === first.sequence) return this.removeFirst(quietly);
    let found = this.outline(sequence);
    if (found === undefined) {
      if (!this.#mustHave(sequence)) return undefined;
      // Lost from the disk: it is no longer counted, and whoever waited for it goes on.
      found = { sequence, subject: '', timeUs: 0, headerLength: 0, payloadLength: 0 };
    }
    this.#touch();
    this.table.delete(sequence);
    this.#forget(found, quietly);
    return found;
  }

  /** Removes everything at once; the old tables are left to be cleared away. False when there was nothing. */
  empty(): boolean {
    if (this.#messages === 0) return false;
    this.#touch();
    this.subjects.write();
    this.#id = this.#rows.empty(this.#id);
    this.table = new MessageTable(this.#store, this.#id, this.name);
    this.subjects = new SubjectTable(this.#store, this.#id, 0);
    this.#messages = 0;
    this.#bytes = 0;
    this.#leftBelow = false;
    this.#front.clear(this.#lastSequence + 1);
    this.#tail.clear(this.#lastSequence + 1);
    this.#readAhead.clear(this);
    return true;
  }

  /** Lets the next message of an empty log have the sequence behind this one. */
  advance(sequence: number): void {
    if (this.#messages > 0 || sequence <= this.#lastSequence) return;
    this.#touch();
    this.#lastSequence = sequence;
    this.#front.clear(sequence + 1);
    this.#tail.clear(sequence + 1);
    this.#readAhead.clear(this);
  }

  /** Lets go of what is in memory: the stream is deleted. */
  release(): void {
    this.#tail.clear(this.#lastSequence + 1);
    this.#readAhead.clear(this);
  }

  /** @throws DamagedRecord */
  load(sequence: number): StoredMessage | undefined {
    if (sequence >= this.tailFirst) return this.#tail.get(sequence);
    if (sequence < this.firstSequence) return undefined;
    this.subjects.write();
    const message = this.table.load(sequence);
    if (message === undefined && this.#mustHave(sequence)) throw new DamagedRecord(this.name, sequence);
    return message;
  }

  /** The first message at or after `from`. @throws DamagedRecord */
  next(from: number): StoredMessage | undefined {
    const start = Math.max(from, this.firstSequence);
    if (start >= this.tailFirst) return this.#tail.next(start);
    const message = this.#nextStored(start);
    if (message?.sequence !== start && this.#mustHave(start)) throw new DamagedRecord(this.name, start);
    return message;
  }

  /** What has been read ahead and covers this sequence. */
  knownAhead(from: number): Block | undefined {
    return this.#readAhead.find(this, from);
  }

  /** The same, read if need be. Undefined where that is not worth it, or the next message is damaged. */
  ahead(from: number): Block | undefined {
    const known = this.knownAhead(from);
    if (known !== undefined) return known;
    const most = Math.min(MOST_AHEAD, Math.floor((BYTES_AHEAD * this.#messages) / (this.#bytes + 1)));
    if (most < LEAST_AHEAD) return undefined;
    this.subjects.write();
    const { messages, isCut } = this.table.block(from, most);
    const last = messages.at(-1);
    if (last === undefined) return undefined;
    const end = isCut || messages.length === most ? last.sequence + 1 : this.#lastSequence + 1;
    const block = new Block(this, from, end, messages);
    this.#readAhead.add(block);
    return block;
  }

  #nextStored(from: number): StoredMessage | undefined {
    const block = this.ahead(from);
    if (block === undefined) {
      this.subjects.write();
      return this.table.next(from);
    }
    return block.next(from) ?? (block.end > this.#lastSequence ? undefined : this.#nextStored(block.end));
  }

  /**
   * Makes sure that none of the messages from `from` up to the one before `to` has been lost, as far as the counters tell.
   *
   * @throws DamagedRecord
   */
  requireAll(from: number, to: number): void {
    if (from >= to || !this.#mustHave(from)) return;
    const stored = this.table.sequences(from, to - from);
    for (let sequence = from; sequence < to; sequence++) {
      if (stored[sequence - from] !== sequence) throw new DamagedRecord(this.name, sequence);
    }
  }

  /** Whether by the counters there is a message with every sequence, so that one that is not found has been lost. */
  #mustHave(sequence: number): boolean {
    const first = this.firstSequence;
    const last = this.#lastSequence;
    return sequence >= first && sequence <= last && this.#messages === last - first + 1;
  }

  /** Every message at or after this sequence is in memory. */
  get tailFirst(): number {
    return this.#keepsTail ? this.#tail.first : Number.POSITIVE_INFINITY;
  }

  /** The first sequence at or after `from` that is stored. */
  sequenceAfter(from: number): number | undefined {
    if (from >= this.tailFirst) return this.#tail.next(from)?.sequence;
    return this.table.sequenceAfter(from);
  }

  /** Up to `limit` messages at or after `from`, ascending. */
  outlines(from: number, limit: number): MessageOutline[] {
    this.subjects.write();
    return this.table.outlines(Math.max(from, this.firstSequence), limit);
  }

  /** Up to `limit` sequences at or after `from` that are stored, ascending. */
  sequences(from: number, limit: number): number[] {
    return this.table.sequences(Math.max(from, this.firstSequence), limit);
  }

  /** The oldest message of a subject. */
  oldestOf(subject: SubjectEntry): MessageOutline | undefined {
    const sequence = this.table.sequenceOfSubject(subject.id, this.firstSequence);
    return sequence === undefined ? undefined : this.outline(sequence);
  }

  outline(sequence: number): MessageOutline | undefined {
    const recent = this.#tail.get(sequence);
    if (recent !== undefined) {
      const { subject, timeUs, headerLength, payload } = recent;
      return { sequence, subject, timeUs, headerLength, payloadLength: payload.length };
    }
    if (sequence < this.firstSequence) return undefined;
    this.subjects.write();
    return this.table.outline(sequence);
  }

  #forget(message: MessageOutline, quietly: boolean): void {
    const { sequence, subject } = message;
    this.#messages--;
    this.#bytes -= this.sizeOf(message);
    this.#front.removed(sequence);
    this.#tail.forget(sequence);
    this.#readAhead.forget(this, sequence);
    this.subjects.removed(subject, sequence, this.#lastOfSubject);
    if (!quietly) this.#removed(sequence, subject);
  }

  #touch(): void {
    this.#store.begin();
    if (this.#dirty) return;
    this.#dirty = true;
    this.#lastBefore = this.#lastSequence;
    this.#store.commits.beforeCommit(this.#write);
  }

  #writeCounters(): void {
    this.#dirty = false;
    this.subjects.write();
    if (this.#leftBelow) this.table.deleteBelow(this.firstSequence);
    this.#leftBelow = false;
    this.#rows.saveCounters(this.#id, {
      lastSequence: this.#lastSequence,
      lastTimeUs: this.#lastTimeUs,
      messages: this.#messages,
      bytes: this.#bytes,
      subjects: this.subjects.count,
    });
  }
}
