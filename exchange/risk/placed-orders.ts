/**
 * The orders that risk has let through, by the client's id and by the engine's. Those not finished are in memory; a
 * finished one is a row, and leaves memory when the row is written.
 */
import type { StatementSync } from 'node:sqlite';
import type { NewOrder } from '@exchange/matching';
import type { Database } from 'flotilla';

export interface PlacedOrder {
  readonly order: NewOrder;
  /** Lots that are neither filled nor given up. */
  remaining: number;
  /** `pending`: not seen in the log yet. */
  state: 'pending' | 'live' | 'closed' | 'rejected';
  /** Why the engine rejected it. */
  reason: string | undefined;
  /**
   * What is known here of the order's way to the engine. `unsent`: it surely has not left; `unknown`: it may have, and
   * only the engine can settle that; `settled`: the engine has said that it knows the order, or never will.
   */
  outcome: 'unsent' | 'unknown' | 'settled';
}

export class PlacedOrders {
  readonly #unfinished = new Map<string, PlacedOrder>();
  readonly #byClient = new Map<string, PlacedOrder>();
  /** By the client's id; null: there is none any more. */
  readonly #dirty = new Map<string, PlacedOrder | null>();
  /** Rows that go before the dirty ones are written: an id that was given up may have a new order already. */
  readonly #removed = new Set<PlacedOrder>();
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: Pick<Database, 'prepare'>) {
    this.#select = database.prepare('SELECT * FROM orders WHERE account = ? AND client_order_id = ?');
    this.#upsert = database.prepare(
      `INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (account, client_order_id) DO UPDATE SET
         remaining = excluded.remaining, state = excluded.state, reason = excluded.reason`,
    );
    this.#delete = database.prepare('DELETE FROM orders WHERE account = ? AND client_order_id = ?');
    const rows = database.prepare("SELECT * FROM orders WHERE state IN ('pending', 'live')").all();
    for (const row of rows) this.#remember(fromRow(row));
  }

  /** The order that a client has placed under its own id. */
  find(account: string, clientOrderId: string): PlacedOrder | undefined {
    const key = keyOf(account, clientOrderId);
    const dirty = this.#dirty.get(key);
    if (dirty !== undefined) return dirty ?? undefined;
    const unfinished = this.#byClient.get(key);
    if (unfinished) return unfinished;
    const row = this.#select.get(account, clientOrderId);
    return row && fromRow(row);
  }

  /** An unfinished order by the engine's id. */
  get(id: string): PlacedOrder | undefined {
    return this.#unfinished.get(id);
  }

  unfinished(): IterableIterator<PlacedOrder> {
    return this.#unfinished.values();
  }

  add(placed: PlacedOrder): void {
    this.#remember(placed);
    this.changed(placed);
  }

  /** Say this after a change; one that is finished leaves memory with the next write. */
  changed(placed: PlacedOrder): void {
    const { account, clientOrderId, id } = placed.order;
    const key = keyOf(account, clientOrderId);
    this.#dirty.set(key, placed);
    if (placed.state === 'pending' || placed.state === 'live') return;
    this.#unfinished.delete(id);
    this.#byClient.delete(key);
  }

  /** Forgets an order that the engine never had and never will: its client may use the id anew. */
  remove(placed: PlacedOrder): void {
    const { account, clientOrderId, id } = placed.order;
    const key = keyOf(account, clientOrderId);
    this.#removed.add(placed);
    this.#unfinished.delete(id);
    this.#byClient.delete(key);
    this.#dirty.set(key, null);
  }

  /** Writes what changed. Inside a transaction. */
  persist(): void {
    for (const { order } of this.#removed) this.#delete.run(order.account, order.clientOrderId);
    this.#removed.clear();
    for (const placed of this.#dirty.values()) {
      if (placed === null) continue;
      const { order, remaining, state, reason } = placed;
      this.#upsert.run(
        order.account,
        order.clientOrderId,
        order.id,
        order.symbol,
        order.side,
        order.type,
        order.price ?? null,
        order.protection ?? null,
        order.quantity,
        order.timeInForce,
        remaining,
        state,
        reason ?? null,
      );
    }
    this.#dirty.clear();
  }

  #remember(placed: PlacedOrder): void {
    const { account, clientOrderId, id } = placed.order;
    this.#unfinished.set(id, placed);
    this.#byClient.set(keyOf(account, clientOrderId), placed);
  }
}

/** Neither an account nor a client's id contains a line feed. */
function keyOf(account: string, clientOrderId: string): string {
  return `${account}\n${clientOrderId}`;
}

type Row = NonNullable<ReturnType<StatementSync['get']>>;

/** An order that was pending before the start may or may not have reached the engine. */
function fromRow(row: Row): PlacedOrder {
  const state = row.state as PlacedOrder['state'];
  return {
    order: {
      id: String(row.id),
      clientOrderId: String(row.client_order_id),
      account: String(row.account),
      symbol: String(row.symbol),
      side: row.side as NewOrder['side'],
      type: row.type as NewOrder['type'],
      ...(row.price === null ? {} : { price: Number(row.price) }),
      ...(row.protection === null ? {} : { protection: Number(row.protection) }),
      quantity: Number(row.quantity),
      timeInForce: row.time_in_force as NewOrder['timeInForce'],
    },
    remaining: Number(row.remaining),
    state,
    reason: row.reason === null ? undefined : String(row.reason),
    outcome: state === 'pending' ? 'unknown' : 'settled',
  };
}
