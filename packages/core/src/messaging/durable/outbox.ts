/** Messages that are written in a transaction, beside its rows, and sent after it: if it commits, and not otherwise. */
import type { ContractEvent } from '../../contract/contract.ts';
import { platformError } from '../../errors/flotilla-error.ts';
import type { Database } from '../../store/database.ts';
import type { EventPublisher, MessageOptions, PublishScope } from '../publishing/event-publisher.ts';
import type { OutboxRelay } from './outbox-relay.ts';
import type { OutboxTable } from './outbox-table.ts';
import type { Transaction } from './transaction.ts';

export interface OutboxOptions {
  readonly database: Database;
  readonly table: OutboxTable;
  readonly relay: OutboxRelay;
  readonly events: EventPublisher;
}

export class Outbox {
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The messages of one transaction; it must be ended before the transaction is. */
  begin(scope: PublishScope | undefined): OutboxTransaction {
    return new OutboxTransaction((event, payload, options) => this.#put(event, payload, options, scope));
  }

  #put(
    event: ContractEvent,
    payload: unknown,
    options: MessageOptions,
    scope: PublishScope | undefined,
  ): string {
    const { database, table, relay, events } = this.#options;
    const message = events.encode(event, payload, options, scope?.trace);
    if (message instanceof Promise) {
      message.catch(() => {});
      throw platformError(
        'internal',
        `${event.id}: its schema has asynchronous checks, which cannot run inside of a transaction`,
      );
    }
    const { service, name, partitions } = event;
    const row = table.add({ service, event: name, partitions, message });
    database.afterCommit(() => relay.committed(row));
    return message.id;
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
