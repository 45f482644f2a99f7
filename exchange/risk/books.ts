/**
 * Risk's state as a whole: balances, orders and last prices at one entry of the engine's log, and one commit for what
 * changed in any of them. Holds are made here by `reserve`; they are used and released only by what the log says, so
 * that a crash at any moment leaves nothing to remember.
 */
import type { StatementSync } from 'node:sqlite';
import type { EngineEvent, LogEntry, NewOrder } from '@exchange/matching';
import { WriteBehind } from '@exchange/matching/write-behind';
import { type InstrumentUnits, lotsToBase, notional } from '@exchange/reference/units';
import { type Database, type Logger, platformError } from 'flotilla';
import { Balances } from './balances.ts';
import { heldAsset, holdFor } from './hold.ts';
import { type PlacedOrder, PlacedOrders } from './placed-orders.ts';
import { Transfers } from './transfers.ts';

export interface BooksOptions {
  readonly database: Database;
  /** Units of a symbol; undefined while it is not in the catalogue. */
  readonly units: (symbol: string) => InstrumentUnits | undefined;
  readonly log: Logger;
  /** Called when the state could not be written: the process must end. */
  readonly onFatal: (error: unknown) => void;
}

type Filled = Extract<EngineEvent, { kind: 'filled' }>;

export class Books {
  readonly #options: BooksOptions;
  readonly #writes: WriteBehind;
  readonly #write: () => void;
  readonly #lastPrices = new Map<string, number>();
  readonly #dirtyPrices = new Set<string>();
  readonly #upsertPrice: StatementSync;
  readonly balances: Balances;
  readonly orders: PlacedOrders;
  readonly transfers: Transfers;

  constructor(options: BooksOptions) {
    const { database, onFatal } = options;
    this.#options = options;
    this.balances = new Balances(database);
    this.orders = new PlacedOrders(database);
    this.transfers = new Transfers(database);
    this.#upsertPrice = database.prepare('INSERT OR REPLACE INTO last_prices VALUES (?, ?)');
    for (const { symbol, ticks } of database.prepare('SELECT symbol, ticks FROM last_prices').all()) {
      this.#lastPrices.set(String(symbol), Number(ticks));
    }
    this.#write = () => this.#persist();
    this.#writes = new WriteBehind({ database, persist: this.#write, onFatal });
  }

  /** Ticks of the last trade. */
  lastPrice(symbol: string): number | undefined {
    return this.#lastPrices.get(symbol);
  }

  /** Resolves once everything in memory is on disk. No answer may leave before. */
  durable(): Promise<void> {
    return this.#writes.settled();
  }

  /** The hold of an unfinished order now. */
  holdOf({ order, remaining }: PlacedOrder): { readonly asset: string; readonly amount: bigint } {
    const units = this.#units(order.symbol);
    return { asset: heldAsset(order, units), amount: holdFor(order, units, remaining) };
  }

  /** Takes a new order in and holds what it may cost; that there is enough is for the caller to know. */
  reserve(order: NewOrder): PlacedOrder {
    this.#writes.assertWorking();
    const placed: PlacedOrder = {
      order,
      remaining: order.quantity,
      state: 'pending',
      reason: undefined,
      outcome: 'unsent',
    };
    const { asset, amount } = this.holdOf(placed);
    this.balances.hold(order.account, asset, amount);
    this.orders.add(placed);
    void this.#writes.changed();
    return placed;
  }

  /** Undoes `reserve` for an order that surely never left. */
  undo(placed: PlacedOrder): Promise<void> {
    this.#writes.assertWorking();
    this.#giveUp(placed);
    return this.#writes.changed();
  }

  /**
   * Credits money from outside, once per transfer.
   *
   * @throws FlotillaError `conflict` (the transfer has another content) or `invalid_argument` (too much); at once, and
   * nothing is credited.
   */
  fund(transfer: string, account: string, amounts: ReadonlyMap<string, bigint>): Promise<void> {
    this.#writes.assertWorking();
    if (this.transfers.isNew(transfer, account, amounts)) {
      this.balances.assertCreditable(amounts);
      this.transfers.add(transfer, account, amounts);
      for (const [asset, amount] of amounts) this.balances.credit(account, asset, amount);
    }
    return this.#writes.changed();
  }

  /**
   * Applies the next entry of the log. Inside a transaction: it writes the changes, of several entries together.
   *
   * @throws FlotillaError `unavailable` when it is about a market that is not in the catalogue yet. Nothing is applied
   * then.
   */
  follow({ events }: Pick<LogEntry, 'events'>): void {
    this.#writes.assertWorking();
    for (const event of events) {
      if (event.kind === 'accepted') this.#units(event.order.symbol);
      else if (event.kind === 'filled' || event.kind === 'cancelled') this.#units(event.symbol);
    }
    try {
      for (const event of events) this.#apply(event);
    } catch (error) {
      // Half of the entry is in memory: only the disk is sound.
      this.#writes.fail(error);
      throw error;
    }
    this.#options.database.beforeCommit(this.#write);
  }

  #apply(event: EngineEvent): void {
    switch (event.kind) {
      case 'accepted': {
        const placed = this.orders.get(event.order.id);
        if (placed === undefined) {
          this.#options.log.error('an order reached the engine without a risk decision', {
            order: event.order,
          });
          return;
        }
        placed.state = 'live';
        placed.outcome = 'settled';
        this.orders.changed(placed);
        return;
      }
      case 'rejected': {
        const placed = this.orders.get(event.order.id);
        if (placed) this.#finish(placed, 'rejected', event.reason);
        return;
      }
      case 'filled':
        this.#fill(event);
        return;
      case 'cancelled': {
        const placed = this.orders.get(event.orderId);
        if (placed) this.#finish(placed, 'closed');
        return;
      }
      case 'abandoned': {
        const placed = this.orders.get(event.orderId);
        if (placed) this.#giveUp(placed);
        return;
      }
      case 'trade':
        this.#lastPrices.set(event.symbol, event.price);
        this.#dirtyPrices.add(event.symbol);
        return;
    }
  }

  /** Of an order that came past risk nothing is held: the books still add up, even if its account then owes. */
  #fill({ orderId, account, symbol, side, price, quantity, remaining }: Filled): void {
    const placed = this.orders.get(orderId);
    const units = this.#units(symbol);
    const hold = placed ? holdFor(placed.order, units, quantity) : 0n;
    const cost = notional(units, price, quantity);
    const lots = lotsToBase(units, quantity);
    if (side === 'buy') {
      this.balances.spend(account, units.quote, hold, cost);
      this.balances.receive(account, units.base, lots);
    } else {
      this.balances.spend(account, units.base, hold, lots);
      this.balances.receive(account, units.quote, cost);
    }
    if (placed === undefined) return;
    placed.remaining = remaining;
    if (remaining === 0) placed.state = 'closed';
    this.orders.changed(placed);
  }

  #finish(placed: PlacedOrder, state: 'closed' | 'rejected', reason?: string): void {
    this.#release(placed);
    placed.remaining = 0;
    placed.state = state;
    placed.reason = reason;
    placed.outcome = 'settled';
    this.orders.changed(placed);
  }

  #giveUp(placed: PlacedOrder): void {
    this.#release(placed);
    placed.state = 'closed';
    this.orders.remove(placed);
  }

  #release(placed: PlacedOrder): void {
    const { asset, amount } = this.holdOf(placed);
    this.balances.release(placed.order.account, asset, amount);
  }

  #units(symbol: string): InstrumentUnits {
    const units = this.#options.units(symbol);
    if (units) return units;
    throw platformError(
      'unavailable',
      `the sizes of ${symbol} are not known yet: try again when reference runs`,
    );
  }

  #persist(): void {
    this.balances.persist();
    this.orders.persist();
    this.transfers.persist();
    for (const symbol of this.#dirtyPrices) this.#upsertPrice.run(symbol, this.#lastPrices.get(symbol)!);
    this.#dirtyPrices.clear();
  }
}
