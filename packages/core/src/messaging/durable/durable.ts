/** What messaging keeps in a service's own database, as one value. */
import { platformError } from '../../errors/flotilla-error.ts';
import type { Database } from '../../store/database.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import type { Streams } from '../jetstream/streams.ts';
import type { EventPublisher, PublishScope } from '../publishing/event-publisher.ts';
import type { Publisher } from '../publishing/publisher.ts';
import { Checkpoints } from './checkpoints.ts';
import { Inbox } from './inbox.ts';
import { Outbox } from './outbox.ts';
import { OutboxRelay } from './outbox-relay.ts';
import { OutboxTable } from './outbox-table.ts';
import { createTables } from './tables.ts';
import type { Transaction } from './transaction.ts';

export interface DurableOptions {
  readonly database: Database;
  readonly link: BrokerLink;
  readonly streams: Streams;
  readonly publisher: Publisher;
  readonly events: EventPublisher;
  readonly log: Logger;
  readonly isClustered: boolean;
}

/** What else a transaction has to see to, before its work. */
export type BeforeWork = () => void;

export class Durable {
  readonly database: Database;
  readonly outbox: Outbox;
  readonly relay: OutboxRelay;
  readonly inbox: Inbox;
  readonly checkpoints: Checkpoints;

  private constructor(options: DurableOptions) {
    this.database = options.database;
    const table = new OutboxTable(options.database);
    this.relay = new OutboxRelay({ ...options, table });
    this.outbox = new Outbox({ ...options, table, relay: this.relay });
    this.inbox = new Inbox(options.database, options.log);
    this.checkpoints = new Checkpoints(options.database);
  }

  static async open(options: DurableOptions): Promise<Durable> {
    await createTables(options.database);
    return new Durable(options);
  }

  transaction<T>(
    work: (tx: Transaction) => T,
    scope: PublishScope | undefined,
    signal: AbortSignal | undefined,
    before?: BeforeWork,
  ): Promise<T> {
    return this.database.write(
      () => {
        before?.();
        const tx = this.outbox.begin(scope);
        try {
          return work(tx);
        } finally {
          tx.end();
        }
      },
      { signal },
    );
  }

  /** Sends what is in the outbox, for at most `graceMs`; afterwards nothing is read or written here any more. */
  async close(graceMs: number): Promise<void> {
    await this.relay.drain(graceMs);
    this.kill();
  }

  kill(): void {
    this.relay.close();
    this.inbox.close();
  }
}

/** A service without a database has none of it. */
export function noDatabase(what: string): Error {
  return platformError(
    'internal',
    `${what} needs a database: add \`database: { migrations }\` to the service`,
  );
}
