/** Orders in SQLite: written by the projection, read by their owners. */
import type { SQLOutputValue, StatementSync } from 'node:sqlite';
import type { NewOrder } from '@exchange/matching';
import type { ViewedOrder } from '@exchange/matching/order-view';
import type { Database } from 'flotilla';

/** `open` includes partially filled orders; `closed` is everything else. */
export type StatusFilter = 'open' | 'closed' | 'all';

export interface OrderQuery {
  readonly account: string;
  readonly status: StatusFilter;
  readonly symbol?: string | undefined;
  readonly limit: number;
}

export interface Fill {
  readonly orderId: string;
  /** Ticks. */
  readonly price: number;
  /** Lots. */
  readonly quantity: number;
  /** Lots still unfilled after it. */
  readonly remaining: number;
}

export class OrderRows {
  readonly #statements: ReturnType<typeof prepare>;
  readonly #queries: QueryStatements;

  constructor(database: Database) {
    this.#statements = prepare(database);
    this.#queries = new QueryStatements(database);
  }

  /** Adds an order that has not traded yet. A rejected one has nothing left to trade. */
  add(order: NewOrder, status: 'open' | 'rejected', time: number): void {
    const { id, clientOrderId, account, symbol, side, type, price, quantity, timeInForce } = order;
    const limit = type === 'limit' ? (price ?? null) : null;
    const remaining = status === 'open' ? quantity : 0;
    this.#statements.add.run(
      id,
      clientOrderId,
      account,
      symbol,
      side,
      type,
      limit,
      quantity,
      timeInForce,
      remaining,
      status,
      time,
    );
  }

  /** False when there is no such order. */
  fill({ orderId, price, quantity, remaining }: Fill): boolean {
    const row = this.#statements.value.get(orderId);
    if (!row) return false;
    const value = BigInt(String(row.value)) + BigInt(price) * BigInt(quantity);
    this.#statements.fill.run(
      quantity,
      remaining,
      String(value),
      remaining === 0 ? 'filled' : 'open',
      orderId,
    );
    return true;
  }

  /** False when there is no such order. */
  cancel(orderId: string): boolean {
    return this.#statements.cancel.run(orderId).changes === 1;
  }

  /** An order of that account; undefined for orders of others, too. */
  find(account: string, id: string): ViewedOrder | undefined {
    const row = this.#statements.find.get(id);
    return row?.account === account ? toOrder(row) : undefined;
  }

  /** Newest first. */
  list(query: OrderQuery): ViewedOrder[] {
    return this.#queries.all(query).map(toOrder);
  }

  /** Ids of all open orders, oldest first. */
  openIds(): string[] {
    return this.#statements.openIds.all().map(({ id }) => String(id));
  }

  /** How many orders there are. */
  count(): number {
    return Number(this.#statements.last.get()?.position ?? 0);
  }
}

/** One statement for every combination of filters, each with the index that bounds its work. */
class QueryStatements {
  readonly #prepared: Readonly<Record<StatusFilter, { anywhere: StatementSync; inMarket: StatementSync }>>;

  constructor(database: Database) {
    const both = (status: StatusFilter) => ({
      anywhere: database.prepare(querySql(status, false)),
      inMarket: database.prepare(querySql(status, true)),
    });
    this.#prepared = { open: both('open'), closed: both('closed'), all: both('all') };
  }

  all({ account, status, symbol, limit }: OrderQuery): Record<string, SQLOutputValue>[] {
    const { anywhere, inMarket } = this.#prepared[status];
    return symbol === undefined ? anywhere.all(account, limit) : inMarket.all(account, symbol, limit);
  }
}

const statusCondition = { open: " AND status = 'open'", closed: " AND status <> 'open'", all: '' } as const;

/**
 * The index is named: without statistics SQLite might walk through years of closed orders of a market to find the few
 * that are open.
 */
export function querySql(status: StatusFilter, inMarket: boolean): string {
  const index = status === 'open' ? 'orders_open' : inMarket ? 'orders_of_market' : 'orders_of_account';
  return `SELECT * FROM orders INDEXED BY ${index}
    WHERE account = ?${inMarket ? ' AND symbol = ?' : ''}${statusCondition[status]}
    ORDER BY position DESC LIMIT ?`;
}

function toOrder(row: Record<string, SQLOutputValue>): ViewedOrder {
  const { id, client_order_id, symbol, side, type, price, quantity, time_in_force } = row;
  const { filled, remaining, value, status, time } = row;
  return {
    id: String(id),
    clientOrderId: String(client_order_id),
    symbol: String(symbol),
    side: side as ViewedOrder['side'],
    type: type as ViewedOrder['type'],
    ...(price === null ? {} : { price: Number(price) }),
    quantity: Number(quantity),
    timeInForce: time_in_force as ViewedOrder['timeInForce'],
    filled: Number(filled),
    remaining: Number(remaining),
    value: BigInt(String(value)),
    status: status as ViewedOrder['status'],
    time: Number(time),
  };
}

function prepare(database: Database) {
  return {
    add: database.prepare(
      `INSERT INTO orders (id, client_order_id, account, symbol, side, type, price, quantity, time_in_force,
                           remaining, status, time, filled, value)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '0')`,
    ),
    value: database.prepare('SELECT value FROM orders WHERE id = ?'),
    fill: database.prepare(
      'UPDATE orders SET filled = filled + ?, remaining = ?, value = ?, status = ? WHERE id = ?',
    ),
    cancel: database.prepare("UPDATE orders SET remaining = 0, status = 'cancelled' WHERE id = ?"),
    find: database.prepare('SELECT * FROM orders WHERE id = ?'),
    openIds: database.prepare("SELECT id FROM orders WHERE status = 'open' ORDER BY position"),
    // Positions are gapless, so the last one is the count; counting rows would take longer with every order.
    last: database.prepare('SELECT max(position) AS position FROM orders'),
  };
}
