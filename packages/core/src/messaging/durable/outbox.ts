/**
 * Messages that are written in a transaction and sent after it, in the order of the commits. The relay sends what was committed, from
 * memory while it keeps up and from the table where it does not; it removes rows once their streams have them. A process
 * that is killed in between sends them again when it starts, under the same ids.
 *
 * Order: messages of one partition arrive in the order of their commits. On one server they are sent without waiting, since a broken
 * connection loses a tail and never a middle; in a cluster, whose leaders change, the next of a partition waits for the last.
 */
import type { StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { ContractEvent } from '../../contract/contract.ts';
import { platformError } from '../../errors/flotilla-error.ts';
import type { Database } from '../../store/database.ts';
import type { Logger } from '../../telemetry/log.ts';
import { PartitionWindow } from '../handling/partition-window.ts';
import { asHeaders } from '../headers.ts';
import type {
  EncodedMessage,
  EventPublisher,
  MessageOptions,
  PublishScope,
} from '../publishing/event-publisher.ts';
import { Outgoing, type Publisher } from '../publishing/publisher.ts';
import type { Transaction } from './transaction.ts';

export interface OutboxOptions {
  readonly database: Database;
  readonly publisher: Publisher;
  readonly events: EventPublisher;
  readonly log: Logger;
  /** Whether the next message of a partition has to wait for the last one. */
  readonly isClustered: boolean;
}

/** A row. */
interface OutboxMessage {
  readonly sequence: number;
  readonly service: string;
  readonly event: string;
  readonly partitions: number;
  readonly message: EncodedMessage;
}

/** Messages on their way at a time. */
const mostUnderWay = 256;
/** Messages kept in memory; more are read from the table when their turn comes. */
const mostQueued = 1_024;
const readAtOnce = 512;
const removeEveryMs = 50;
const pauseMs = 1_000;
const lookMs = 10_000;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #remove: StatementSync;
  readonly #count: StatementSync;
  readonly #window = new PartitionWindow(0);
  /** What is to be sent next, in order. */
  #queue: OutboxMessage[] = [];
  /** Rows that are not in the queue: they are read when there is room. */
  #isBehind = true;
  #lastQueued = 0;
  /** Subjects on which a message is under way, in a cluster. */
  readonly #busy = new Set<string>();
  #removed = 0;
  #removeTimer: NodeJS.Timeout | undefined;
  /** The stream of the next message is being looked for. */
  #isLooking = false;
  #isScheduled = false;
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: OutboxOptions) {
    const { database } = options;
    this.#options = options;
    this.#insert = database.prepare(
      `INSERT INTO flotilla_outbox (service, event, partitions, id, key, due, headers, payload)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#read = database.prepare(
      `SELECT * FROM flotilla_outbox WHERE sequence > ? ORDER BY sequence LIMIT ${readAtOnce}`,
    );
    this.#remove = database.prepare('DELETE FROM flotilla_outbox WHERE sequence <= ?');
    this.#count = database.prepare('SELECT count(*) AS n FROM flotilla_outbox WHERE sequence > ?');
  }

  /** Messages that their streams do not have yet. */
  get waiting(): number {
    return this.#isClosed ? 0 : Number(this.#count.get(this.#window.checkpoint)?.n);
  }

  /** Sends what was left by a process before this one. */
  start(): void {
    this.#pump();
  }

  /** The messages of one transaction; it must be ended before the transaction is. */
  begin(scope: PublishScope | undefined): OutboxTransaction {
    return new OutboxTransaction((event, payload, options) => this.#put(event, payload, options, scope));
  }

  /** Resolves once everything is sent, or after `graceMs`. What is left is sent by the next process. */
  async drain(graceMs: number): Promise<void> {
    if (this.#isEmpty()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Nothing is sent or removed any more. To be called before the database is closed. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#removeTimer);
    this.#queue = [];
  }

  #put(
    event: ContractEvent,
    payload: unknown,
    options: MessageOptions,
    scope: PublishScope | undefined,
  ): string {
    const { database, events } = this.#options;
    const message = events.encode(event, payload, options, scope?.trace);
    if (message instanceof Promise) {
      message.catch(() => {});
      throw platformError(
        'internal',
        `${event.id}: its schema has asynchronous checks, which cannot run inside of a transaction`,
      );
    }
    const { service, name, partitions } = event;
    const { id, key = null, dueMs = null, headers, payload: bytes } = message;
    const { lastInsertRowid } = this.#insert.run(service, name, partitions, id, key, dueMs, headers, bytes);
    const row = { sequence: Number(lastInsertRowid), service, event: name, partitions, message };
    database.afterCommit(() => this.#committed(row));
    return id;
  }

  #committed(row: OutboxMessage): void {
    if (this.#isBehind) return;
    if (this.#queue.length >= mostQueued) {
      this.#isBehind = true;
      return;
    }
    this.#queue.push(row);
    this.#lastQueued = row.sequence;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isClosed || this.#isLooking) return;
    while (this.#window.open < mostUnderWay) {
      if (this.#queue.length === 0 && this.#isBehind) this.#load();
      const row = this.#queue[0];
      if (!row || !this.#send(row)) break;
      this.#queue.shift();
    }
    if (this.#onEmpty && this.#isEmpty()) this.#onEmpty();
  }

  #load(): void {
    const rows = this.#read.all(this.#lastQueued) as unknown as (Omit<OutboxMessage, 'message'> & {
      readonly id: string;
      readonly key: string | null;
      readonly due: number | null;
      readonly headers: Uint8Array;
      readonly payload: Uint8Array;
    })[];
    for (const { id, key, due, headers, payload, ...rest } of rows) {
      const message = {
        id,
        key: key ?? undefined,
        dueMs: due ?? undefined,
        headers: Buffer.from(headers),
        payload: Buffer.from(payload),
      };
      this.#queue.push({ ...rest, message });
      this.#lastQueued = rest.sequence;
    }
    this.#isBehind = rows.length === readAtOnce;
  }

  /** False when it cannot be sent yet. */
  #send(row: OutboxMessage): boolean {
    const { events, publisher, isClustered } = this.#options;
    const { sequence, message, service } = row;
    const family = events.knownFamily(service);
    if (!family) {
      void this.#findFamily(row);
      return false;
    }
    const subject = events.subjectOf(row.event, family, message);
    if (isClustered) {
      if (this.#busy.has(subject)) return false;
      this.#busy.add(subject);
    }
    this.#window.take(sequence, 0);
    const ended = (): void => {
      this.#busy.delete(subject);
      this.#window.end(sequence);
      this.#scheduleRemoval();
      this.#pump();
    };
    const refused = (error: Error): void => {
      if (this.#isClosed) return;
      this.#options.log.error('a message of the outbox is refused, and so waits with all behind it', {
        ...{ event: `${service}.${row.event}`, id: message.id, error },
      });
      // In its place, so that the order is kept.
      setTimeout(() => publisher.send(outgoing()), pauseMs).unref();
    };
    const headers = asHeaders(message.headers);
    const outgoing = (): Outgoing =>
      new Outgoing(subject, headers, message.payload, Number.POSITIVE_INFINITY, ended, refused);
    publisher.send(outgoing());
    return true;
  }

  /** Until it is known, nothing is sent; looked for as long as it takes. */
  async #findFamily({ service, partitions }: OutboxMessage): Promise<void> {
    const { events, log } = this.#options;
    this.#isLooking = true;
    while (!this.#isClosed) {
      try {
        await events.family(service, partitions, performance.now() + lookMs);
        break;
      } catch (error) {
        log.warn('the outbox waits for the stream of its messages', { family: service, error });
      }
      await delay(pauseMs, undefined, { ref: false });
    }
    this.#isLooking = false;
    this.#pump();
  }

  #scheduleRemoval(): void {
    if (this.#isClosed) return;
    this.#removeTimer ??= setTimeout(() => {
      this.#removeTimer = undefined;
      const upTo = this.#window.checkpoint;
      if (this.#isClosed || upTo === this.#removed) return;
      this.#removed = upTo;
      this.#options.database
        .write(() => this.#remove.run(upTo))
        .catch((error: unknown) => {
          this.#options.log.warn('sent messages stay in the outbox', { error });
        });
    }, removeEveryMs).unref();
  }

  #isEmpty(): boolean {
    return this.#queue.length === 0 && this.#window.open === 0 && !this.#isBehind && !this.#isLooking;
  }
}

type Put = (event: ContractEvent, payload: unknown, options: MessageOptions) => string;

export class OutboxTransaction implements Transaction {
  #put: Put | undefined;

  constructor(put: Put) {
    this.#put = put;
  }

  publish(event: ContractEvent, payload: unknown, options: MessageOptions = {}): string {
    if (this.#put) return this.#put(event, payload, options);
    throw platformError('internal', 'the transaction is over: publish inside of its work');
  }

  end(): void {
    this.#put = undefined;
  }
}
