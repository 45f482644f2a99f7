/** The parts of risk, put together: books, the follower that keeps them, the desk that takes orders in, the resolver. */
import type { Matching } from '@exchange/matching';
import { followLog, type LogFollower } from '@exchange/matching/follow';
import type { CatalogueFollower } from '@exchange/reference/follow';
import type { Client, Database, Logger } from 'flotilla';
import { Books } from './books.ts';
import { OrderDesk } from './desk.ts';
import { orderIds } from './order-id.ts';
import type { PlacedOrder } from './placed-orders.ts';
import { Resolver } from './resolver.ts';

/** What risk asks of the engine. */
export type RiskEngine = Pick<Client<typeof Matching>, 'submit' | 'abandon' | 'head' | 'log'>;

export interface RiskCoreOptions {
  readonly database: Database;
  readonly catalogue: CatalogueFollower;
  /** A client of `matching` that no call's deadline limits. */
  readonly engine: RiskEngine;
  readonly log: Logger;
  /** Ends what runs in the background. */
  readonly signal: AbortSignal;
  /** Called when the state could not be written: the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export interface RiskCore {
  readonly books: Books;
  readonly follower: LogFollower;
  readonly desk: OrderDesk;
  readonly resolver: Resolver<PlacedOrder>;
}

export function riskCore({ database, catalogue, engine, log, signal, onFatal }: RiskCoreOptions): RiskCore {
  const books = new Books({ database, units: (symbol) => catalogue.get(symbol)?.units, log, onFatal });
  const follower = followLog({
    client: engine,
    after: books.sequence,
    apply: (entry) => books.follow(entry),
    log,
    signal,
  });
  const desk = new OrderDesk({
    books,
    catalogue,
    follower,
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
  return { books, follower, desk, resolver };
}
