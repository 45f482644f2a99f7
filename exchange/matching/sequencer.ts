/**
 * The one place where commands reach the engine, one after the other. A command takes effect in memory at once; it is
 * journaled with all others of its batch, and only then is anybody told: the caller, and those who follow the log.
 * An answer that had no effect of its own waits as well, because what it says may rest on an effect not yet on disk.
 */
import type { Database, Logger } from 'flotilla';
import type { NewOrder } from './contract.ts';
import {
  type AbandonResult,
  apply,
  type CancelResult,
  type Command,
  type EngineEvent,
  type EngineState,
  type MarketStatus,
  type Outcome,
  openOrders,
  type SubmitResult,
} from './engine/index.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { OrderRecords } from './order-records.ts';
import { recover } from './recovery.ts';
import { Snapshots } from './snapshots.ts';
import { WriteBehind } from './write-behind.ts';

export interface SequencerOptions {
  readonly database: Database;
  readonly log: Logger;
  /** Milliseconds since the epoch. It may step back: the engine's time does not. */
  readonly now: () => number;
  /** Called with entries that have just come to disk, in order, before anybody who waits for them goes on. */
  readonly onDurable?: (entries: readonly JournalEntry[]) => void;
  /** Called when the state could not be written: the process must end. */
  readonly onFatal: (error: unknown) => void;
  /** Entries between snapshots; default 10 000. */
  readonly snapshotInterval?: number;
}

export class Sequencer {
  readonly #now: () => number;
  readonly #database: Database;
  readonly #snapshots: Snapshots;
  readonly #writes: WriteBehind;
  #head: number;
  #durableHead: number;
  #unwritten: JournalEntry[] = [];
  #written: readonly JournalEntry[] = [];
  readonly state: EngineState;
  readonly records: OrderRecords;
  readonly journal: Journal;

  /** Recovers from the database. @throws what {@link recover} throws. */
  constructor({ database, log, now, onDurable, onFatal, snapshotInterval }: SequencerOptions) {
    this.#now = now;
    this.#database = database;
    const { state, head, replayed } = recover(database, log);
    this.state = state;
    this.#head = head;
    this.#durableHead = head;
    this.journal = new Journal(database);
    this.#snapshots = new Snapshots(database, snapshotInterval);
    this.records = new OrderRecords(database);
    const missing = this.records.resume(openOrders(state));
    if (missing.length > 0) {
      log.error('live orders have no record and cannot be shown: restore the database of matching', {
        missing,
      });
    }
    log.info('recovered the engine', { head, replayed, orders: state.orders.size });
    this.#writes = new WriteBehind({
      database,
      persist: () => this.#persist(),
      onDurable: () => {
        const written = this.#written;
        this.#written = [];
        this.#durableHead += written.length;
        onDurable?.(written);
      },
      onFatal,
    });
  }

  /** Sequence of the last entry in memory: what an answer given now rests on. */
  get head(): number {
    return this.#head;
  }

  /** Sequence of the last entry on disk. */
  get durableHead(): number {
    return this.#durableHead;
  }

  /** Resolves once everything up to `head` is on disk. No answer may leave before. */
  durable(): Promise<void> {
    return this.#writes.settled();
  }

  submit(order: NewOrder): SubmitResult {
    this.#writes.assertWorking();
    const command = { kind: 'submit', time: this.#time(), order } as const;
    return this.#record(command, apply(this.state, command, this.records.known));
  }

  cancel(orderId: string, account: string | undefined): CancelResult {
    this.#writes.assertWorking();
    const command = { kind: 'cancel', time: this.#time(), orderId, account } as const;
    return this.#record(command, apply(this.state, command, this.records.known));
  }

  abandon(orderId: string): AbandonResult {
    this.#writes.assertWorking();
    const command = { kind: 'abandon', time: this.#time(), orderId } as const;
    return this.#record(command, apply(this.state, command, this.records.known));
  }

  /** Opens a market, or gives one that exists another status. */
  setMarket(symbol: string, status: MarketStatus): void {
    this.#writes.assertWorking();
    const kind = this.state.markets.has(symbol) ? 'status' : 'list';
    const command: Command = { kind, time: this.#time(), symbol, status };
    this.#record(command, apply(this.state, command));
  }

  /** Writes what is pending, and a snapshot, so that the next start is quick. */
  async close(): Promise<void> {
    await this.durable();
    await this.#database.write(() => this.#snapshots.save(this.#head, this.state));
  }

  #time(): number {
    return Math.max(this.#now(), this.state.time);
  }

  #record<Result>(command: Command, outcome: Outcome<Result>): Result {
    const { events } = outcome;
    if (events.length > 0) this.#append(command, events);
    return outcome.result;
  }

  #append(command: Command, events: readonly EngineEvent[]): void {
    this.#head += 1;
    this.#unwritten.push({ sequence: this.#head, time: command.time, command, events });
    this.records.follow(events);
    void this.#writes.changed();
  }

  /** Memory is exactly `head` entries on from the last write: nothing runs in between. */
  #persist(): void {
    for (const entry of this.#unwritten) this.journal.append(entry);
    this.#written = this.#unwritten;
    this.#unwritten = [];
    this.records.persist();
    if (this.#snapshots.isDue(this.#head)) this.#snapshots.save(this.#head, this.state);
  }
}
