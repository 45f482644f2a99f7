/** The parts of risk, put together: books, the desk that takes orders in, the resolver of what is uncertain. */
import type { Matching } from '@exchange/matching';
import { EngineLog, type LogProgress } from '@exchange/matching/engine-log';
import type { KnownCatalogue } from '@exchange/reference/known-catalogue';
import type { Client, Database, Logger } from 'flotilla';
import { Books } from './books.ts';
import { OrderDesk } from './desk.ts';
import { orderIds } from './order-id.ts';
import type { PlacedOrder } from './placed-orders.ts';
import { Resolver } from './resolver.ts';

/** What risk asks of the engine. */
export type RiskEngine = Pick<Client<typeof Matching>, 'submit' | 'abandon' | 'head'>;

export interface RiskCoreOptions {
  readonly database: Database;
  readonly catalogue: KnownCatalogue;
  /** A client of `matching` that no call's deadline limits. */
  readonly engine: RiskEngine;
  /** How far the books have followed the engine's log. */
  readonly progress: LogProgress;
  readonly log: Logger;
  /** Ends what runs in the background. */
  readonly signal: AbortSignal;
  /** Called when the state could not be written: the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export interface RiskCore {
  readonly books: Books;
  readonly engineLog: EngineLog;
  readonly desk: OrderDesk;
  readonly resolver: Resolver<PlacedOrder>;
}

export function riskCore(options: RiskCoreOptions): RiskCore {
  const { database, catalogue, engine, progress, log, signal, onFatal } = options;
  const books = new Books({ database, units: (symbol) => catalogue.get(symbol)?.units, log, onFatal });
  const engineLog = new EngineLog({ client: engine, progress });
  const desk = new OrderDesk({
    books,
    catalogue,
    engineLog,
    engine,
    nextId: orderIds({ now: Date.now }),
    onUncertain: () => resolver.wake(),
  });
  const resolver = new Resolver({
    *open() {
      for (const placed of books.orders.unfinished()) {
        if (placed.state === 'pending' && placed.outcome === 'unknown') yield placed;
      }
    },
    settle: (placed) => desk.settle(placed),
    log,
    signal,
  });
  return { books, engineLog, desk, resolver };
}
