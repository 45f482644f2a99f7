/**
 * Sends what the outbox holds, in the order of the commits: from memory while it keeps up, and from the table where it does not.
 * Rows are removed once their streams have them. A process that is killed in between sends them again when it starts, under
 * the same ids.
 *
 * Order: messages of one partition arrive in the order of their commits. On one server they are sent without waiting, since a broken
 * connection loses a tail and never a middle; in a cluster, whose leaders change, the next of a partition waits for the last.
 *
 * Repetitions: a stream recognises an id for a while only. What may have been sent longer ago than that is looked for in the stream
 * before it is sent again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { platformError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import { PartitionWindow } from '../handling/partition-window.ts';
import { asHeaders, readHeaderBlock } from '../headers.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import type { Family, Streams } from '../jetstream/streams.ts';
import type { EventPublisher } from '../publishing/event-publisher.ts';
import { Outgoing, type Publisher } from '../publishing/publisher.ts';
import { header, partitionOf } from '../topology.ts';
import type { OutboxMessage, OutboxTable } from './outbox-table.ts';
import { storedIds } from './stored-ids.ts';

export interface OutboxRelayOptions {
  readonly table: OutboxTable;
  readonly link: BrokerLink;
  readonly streams: Streams;
  readonly publisher: Publisher;
  readonly events: EventPublisher;
  readonly log: Logger;
  /** Whether the next message of a partition has to wait for the last one. */
  readonly isClustered: boolean;
}

/** Messages on their way at a time. */
const mostUnderWay = 256;
/** Messages kept in memory; more are read from the table when their turn comes. */
const mostQueued = 1_024;
const readAtOnce = 512;
/** Rows that a process may have sent and not removed: those under way, and those whose removal was due. */
const mostAmbiguous = 8_192;
const removeEveryMs = 50;
const pauseMs = 1_000;
const lookMs = 10_000;
/** Share of the streams' window after which a repeated id is not relied on any more. */
const safeShare = 0.8;

export class OutboxRelay {
  readonly #options: OutboxRelayOptions;
  readonly #stopListening: () => void;
  /** What is queued or under way. */
  #window = new PartitionWindow(0);
  /** What is to be sent next, in order. */
  #queue: OutboxMessage[] = [];
  readonly #underWay = new Set<Outgoing>();
  /** Ids of rows that were found in their streams: they are not sent. */
  #stored: ReadonlySet<string> = new Set();
  /** Rows that are not in the queue: they are read when there is room. */
  #isBehind = true;
  #lastQueued = 0;
  /** In a cluster: partitions of which a message is under way. */
  readonly #busy = new Set<string>();
  #removed = 0;
  #removeTimer: NodeJS.Timeout | undefined;
  #recallTimer: NodeJS.Timeout | undefined;
  /** What may have been sent before has to be looked for first. */
  #mustLook = true;
  /** Something has to be known before anything is sent. */
  #isWaiting = false;
  #isScheduled = false;
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  constructor(options: OutboxRelayOptions) {
    this.#options = options;
    const { link, streams } = options;
    this.#stopListening = link.listen({
      lost: () => {
        this.#recallTimer ??= setTimeout(() => this.#recall(), streams.duplicateWindowMs * safeShare).unref();
      },
      back: () => {
        clearTimeout(this.#recallTimer);
        this.#recallTimer = undefined;
        this.#pump();
      },
    });
  }

  /** Messages that their streams do not have yet. */
  get waiting(): number {
    return this.#isClosed ? 0 : this.#options.table.count(this.#window.checkpoint);
  }

  /** Sends what was left by a process before this one, and everything that is committed from now on. */
  start(): void {
    this.#pump();
  }

  /** A row was committed. */
  committed(row: OutboxMessage): void {
    if (this.#isBehind) return;
    if (this.#queue.length >= mostQueued) {
      this.#isBehind = true;
      return;
    }
    this.#enqueue(row);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#pump();
    });
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
    this.#stopListening();
    clearTimeout(this.#removeTimer);
    clearTimeout(this.#recallTimer);
    this.#queue = [];
  }

  #enqueue(row: OutboxMessage): void {
    const { sequence, message } = row;
    this.#lastQueued = sequence;
    this.#window.take(sequence, 0);
    if (this.#stored.has(message.id)) this.#done(sequence);
    else this.#queue.push(row);
  }

  #done(sequence: number): void {
    if (this.#window.end(sequence) > 0) this.#scheduleRemoval();
  }

  #pump(): void {
    if (this.#isClosed || this.#isWaiting) return;
    if (this.#mustLook) {
      if (!this.#options.link.isUp) return;
      void this.#waitFor('what the streams have', () => this.#look());
      return;
    }
    if (this.#options.isClustered) this.#sendApart();
    else this.#sendInTurn();
    if (this.#onEmpty && this.#isEmpty()) this.#onEmpty();
  }

  #sendInTurn(): void {
    while (this.#underWay.size < mostUnderWay) {
      if (this.#queue.length === 0 && this.#isBehind) this.#load();
      const row = this.#queue[0];
      const family = row && this.#familyOf(row);
      if (!family) return;
      this.#queue.shift();
      this.#send(row, family);
    }
  }

  /** One message of a partition at a time; those of others go past it. */
  #sendApart(): void {
    if (this.#queue.length === 0 && this.#isBehind) this.#load();
    const held = new Set(this.#busy);
    for (let at = 0; at < this.#queue.length && this.#underWay.size < mostUnderWay; ) {
      const row = this.#queue[at]!;
      const family = this.#familyOf(row);
      if (!family) return;
      const place = placeOf(row, family);
      if (held.has(place)) at++;
      else {
        held.add(place);
        this.#busy.add(place);
        this.#queue.splice(at, 1);
        this.#send(row, family);
      }
    }
  }

  #load(): void {
    const rows = this.#options.table.read(this.#lastQueued, readAtOnce);
    for (const row of rows) this.#enqueue(row);
    this.#isBehind = rows.length === readAtOnce;
  }

  /** Undefined while the stream of its family is looked for: then nothing is sent. */
  #familyOf({ service, partitions }: OutboxMessage): Family | undefined {
    const { events } = this.#options;
    const known = events.knownFamily(service);
    if (!known) {
      void this.#waitFor(`the stream of ${service}`, async () => {
        await events.family(service, partitions, performance.now() + lookMs);
      });
    }
    return known;
  }

  #send(row: OutboxMessage, family: Family): void {
    const { events, publisher, log } = this.#options;
    const { sequence, message } = row;
    const subject = events.subjectOf(row.event, family, message);
    const ended = (): void => {
      this.#underWay.delete(outgoing);
      this.#busy.delete(placeOf(row, family));
      this.#done(sequence);
      this.#pump();
    };
    const refused = (error: Error): void => {
      if (this.#isClosed || !this.#underWay.delete(outgoing)) return;
      log.error('a message of the outbox is refused, and tried again', {
        ...{ event: `${row.service}.${row.event}`, id: message.id, error },
      });
      setTimeout(() => this.#send(row, family), pauseMs).unref();
    };
    const outgoing = new Outgoing(
      subject,
      asHeaders(message.headers),
      message.payload,
      Number.POSITIVE_INFINITY,
      ended,
      refused,
    );
    this.#underWay.add(outgoing);
    publisher.send(outgoing);
  }

  /** Until it is known, nothing is sent; it is asked for as long as it takes. */
  async #waitFor(what: string, ask: () => Promise<void>): Promise<void> {
    this.#isWaiting = true;
    while (!this.#isClosed) {
      try {
        await ask();
        break;
      } catch (error) {
        this.#options.log.warn('the outbox has to wait', { for: what, error });
      }
      await delay(pauseMs, undefined, { ref: false });
    }
    this.#isWaiting = false;
    this.#pump();
  }

  /**
   * The broker has been away for so long that it may not recognise what it was sent before: that is called back, and looked for in the
   * streams once they are there.
   */
  #recall(): void {
    const reason = platformError('unavailable', 'the broker has been away for too long');
    for (const outgoing of [...this.#underWay]) {
      this.#underWay.delete(outgoing);
      this.#options.publisher.giveUp(outgoing, reason);
    }
    this.#busy.clear();
    this.#queue = [];
    this.#lastQueued = this.#window.checkpoint;
    this.#window = new PartitionWindow(this.#lastQueued);
    this.#isBehind = true;
    this.#mustLook = true;
  }

  /** Finds the rows that their streams have, if these would not say so themselves any more. */
  async #look(): Promise<void> {
    const { table, streams, log } = this.#options;
    const rows = table.read(this.#lastQueued, mostAmbiguous);
    const [first] = rows;
    const sinceMs = first ? publishedAt(first) : Number.POSITIVE_INFINITY;
    if (Date.now() - sinceMs > streams.duplicateWindowMs * safeShare) {
      log.info('looks for messages of the outbox that were sent before', { rows: rows.length });
      this.#stored = await this.#storedOf(rows, sinceMs);
    }
    this.#mustLook = false;
  }

  async #storedOf(rows: readonly OutboxMessage[], sinceMs: number): Promise<ReadonlySet<string>> {
    const { streams, events, log } = this.#options;
    const { api, topology } = streams;
    const all = new Set<string>();
    for (const service of new Set(rows.map((row) => row.service))) {
      const ofService = rows.filter((row) => row.service === service);
      const { stream } = await events.family(service, ofService[0]!.partitions, performance.now() + lookMs);
      const ids = new Set(ofService.map(({ message }) => message.id));
      const filter = topology.eventFilter(service, '*');
      const { stored, isComplete } = await storedIds(api, stream, filter, ids, sinceMs);
      for (const id of stored) all.add(id);
      if (!isComplete)
        log.warn('messages of the outbox may be repeated: their stream has got too much since', { stream });
    }
    return all;
  }

  #scheduleRemoval(): void {
    if (this.#isClosed) return;
    this.#removeTimer ??= setTimeout(() => {
      this.#removeTimer = undefined;
      const upTo = this.#window.checkpoint;
      if (this.#isClosed || upTo === this.#removed) return;
      this.#removed = upTo;
      this.#options.table.remove(upTo).catch((error: unknown) => {
        this.#options.log.warn('sent messages stay in the outbox', { error });
      });
    }, removeEveryMs).unref();
  }

  #isEmpty(): boolean {
    return this.#window.size === 0 && !this.#isBehind && !this.#isWaiting && !this.#mustLook;
  }
}

function placeOf({ service, message }: OutboxMessage, { partitions }: Family): string {
  return `${service} ${partitionOf(message.key, partitions)}`;
}

/** When a message was published, in Unix milliseconds. */
function publishedAt({ message }: OutboxMessage): number {
  const time = Date.parse(readHeaderBlock(message.headers).get(header.time) ?? '');
  return Number.isNaN(time) ? 0 : time;
}
