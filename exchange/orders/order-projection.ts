/** The projection: what the engine's log says about orders, applied to the rows exactly once. */
import type { EngineEvent, LogEntry } from '@exchange/matching';
import { LogCheckpoint } from '@exchange/matching/follow';
import { type Database, platformError } from 'flotilla';
import type { OrderRows } from './order-rows.ts';

export class OrderProjection {
  readonly #database: Database;
  readonly #rows: OrderRows;
  readonly #checkpoint: LogCheckpoint;

  constructor(database: Database, rows: OrderRows) {
    this.#database = database;
    this.#rows = rows;
    this.#checkpoint = new LogCheckpoint(database);
  }

  /** Sequence of the last applied entry. */
  get sequence(): number {
    return this.#checkpoint.sequence;
  }

  /**
   * Applies the next entry; resolves once that is on disk. An entry that was applied already has no effect.
   *
   * @throws FlotillaError when it does not fit to what is stored; then nothing of it stays.
   */
  apply({ sequence, events }: LogEntry): Promise<void> {
    return this.#database.write(() => {
      if (sequence <= this.#checkpoint.sequence) return;
      this.#checkpoint.advance(sequence);
      for (const event of events) this.#applyEvent(event);
    });
  }

  #applyEvent(event: EngineEvent): void {
    switch (event.kind) {
      case 'accepted':
        this.#rows.add(event.order, 'open', event.time);
        break;
      case 'rejected':
        this.#rows.add(event.order, 'rejected', event.time);
        break;
      case 'filled':
        expectKnown(this.#rows.fill(event), event.orderId, event.kind);
        break;
      case 'cancelled':
        expectKnown(this.#rows.cancel(event.orderId), event.orderId, event.kind);
        break;
      default:
      // Markets, books and ids that never became an order are the business of others.
    }
  }
}

function expectKnown(known: boolean, orderId: string, kind: string): void {
  if (known) return;
  throw platformError(
    'internal',
    `the log says that order ${orderId} was ${kind}, but never that it was accepted: rebuild this database by ` +
      'removing its file, it is derived from the log',
  );
}
