/**
 * Every order ever, for duplicates and for views. Live orders are in memory, folded from the events; closed ones are
 * rows. Between the event that closes an order and the commit that writes its row it stays in memory, so that there is
 * no moment in which its id looks free.
 */
import type { StatementSync } from 'node:sqlite';
import type { Database } from 'flotilla';
import type { NewOrder, OrderState } from './contract.ts';
import type { EngineEvent, OrderState as EngineOrder, KnownOrders } from './engine/index.ts';

/** An order as it stands; it changes with the events. */
interface OrderRecord {
  readonly order: NewOrder;
  readonly time: number;
  filled: number;
  cancelled: number;
  value: bigint;
  status: OrderState['status'];
}

export class OrderRecords {
  readonly #live = new Map<string, OrderRecord>();
  /** Closed in memory, with no row on disk that says so. */
  readonly #closing = new Map<string, OrderRecord>();
  /** Accepted, closed or rejected since the last write. */
  readonly #dirty = new Set<OrderRecord>();
  readonly #abandoned = new Set<string>();
  #newlyAbandoned: { readonly id: string; readonly time: number }[] = [];
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;
  readonly #insertAbandoned: StatementSync;

  constructor(database: Pick<Database, 'prepare'>) {
    this.#select = database.prepare('SELECT * FROM orders WHERE id = ?');
    this.#upsert = database.prepare(
      `INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET filled = excluded.filled, cancelled = excluded.cancelled,
         remaining = excluded.remaining, value = excluded.value, status = excluded.status`,
    );
    this.#insertAbandoned = database.prepare('INSERT OR IGNORE INTO abandoned VALUES (?, ?)');
    for (const { id } of database.prepare('SELECT id FROM abandoned').all()) this.#abandoned.add(String(id));
  }

  /** What the engine asks for ids that are not live. */
  readonly known: KnownOrders = (id) => {
    if (this.#abandoned.has(id)) return 'abandoned';
    const closing = this.#closing.get(id);
    if (closing) return engineOrder(closing);
    const row = this.#select.get(id);
    return row && engineOrder(fromRow(row));
  };

  /** An order as the contract shows it; undefined for an unknown or abandoned id. */
  get(id: string): OrderState | undefined {
    const record = this.#live.get(id) ?? this.#closing.get(id);
    if (record) return orderState(record);
    const row = this.#select.get(id);
    return row && orderState(fromRow(row));
  }

  /** Live orders, by id. */
  open(): OrderState[] {
    const orders = Array.from(this.#live.values(), orderState);
    return orders.sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  /** Takes over what the engine holds after a restart. Returns the ids of which there is no row. */
  resume(open: Iterable<EngineOrder>): string[] {
    const missing: string[] = [];
    for (const { id, filled, cancelled, value, status } of open) {
      const row = this.#select.get(id);
      if (row) this.#live.set(id, { ...fromRow(row), filled, cancelled, value, status });
      else missing.push(id);
    }
    return missing;
  }

  follow(events: readonly EngineEvent[]): void {
    for (const event of events) {
      switch (event.kind) {
        case 'accepted':
          this.#accept(event.order as NewOrder, event.time);
          break;
        case 'rejected':
          this.#reject(event.order as NewOrder, event.time);
          break;
        case 'filled': {
          const record = this.#live.get(event.orderId)!;
          record.filled += event.quantity;
          record.value += BigInt(event.price) * BigInt(event.quantity);
          if (event.remaining === 0) this.#close(record, 'filled');
          break;
        }
        case 'cancelled': {
          const record = this.#live.get(event.orderId)!;
          record.cancelled += event.remaining;
          this.#close(record, 'cancelled');
          break;
        }
        case 'abandoned':
          this.#abandoned.add(event.orderId);
          this.#newlyAbandoned.push({ id: event.orderId, time: event.time });
          break;
      }
    }
  }

  /** Writes what changed. Inside a transaction. */
  persist(): void {
    for (const record of this.#dirty) {
      const { order, time, filled, cancelled, value, status } = record;
      this.#upsert.run(
        order.id,
        order.clientOrderId,
        order.account,
        order.symbol,
        order.side,
        order.type,
        order.timeInForce,
        order.price ?? null,
        order.quantity,
        filled,
        cancelled,
        remaining(record),
        value.toString(),
        status,
        time,
      );
    }
    for (const { id, time } of this.#newlyAbandoned) this.#insertAbandoned.run(id, time);
    this.#dirty.clear();
    this.#newlyAbandoned = [];
    // The transaction ends before anybody asks again; if it fails, nobody is answered any more.
    this.#closing.clear();
  }

  #accept(order: NewOrder, time: number): void {
    const record: OrderRecord = { order, time, filled: 0, cancelled: 0, value: 0n, status: 'open' };
    this.#live.set(order.id, record);
    this.#dirty.add(record);
  }

  #reject(order: NewOrder, time: number): void {
    const record: OrderRecord = {
      order,
      time,
      filled: 0,
      cancelled: order.quantity,
      value: 0n,
      status: 'rejected',
    };
    this.#closing.set(order.id, record);
    this.#dirty.add(record);
  }

  #close(record: OrderRecord, status: 'filled' | 'cancelled'): void {
    const { id } = record.order;
    record.status = status;
    this.#live.delete(id);
    this.#closing.set(id, record);
    this.#dirty.add(record);
  }
}

function remaining({ order, filled, cancelled }: OrderRecord): number {
  return order.quantity - filled - cancelled;
}

function orderState(record: OrderRecord): OrderState {
  const { order, filled, cancelled, value, status, time } = record;
  const { protection: _, ...rest } = order;
  return {
    ...rest,
    price: order.type === 'limit' ? order.price : undefined,
    filled,
    cancelled,
    remaining: remaining(record),
    value: value.toString(),
    status,
    time,
  };
}

function engineOrder(record: OrderRecord): EngineOrder {
  const { order, filled, cancelled, value, status, time } = record;
  const { id, account, symbol, side, type, timeInForce, price, quantity } = order;
  const rest = { filled, cancelled, remaining: remaining(record), value, status, time };
  return { id, account, symbol, side, type, timeInForce, price, quantity, ...rest };
}

type Row = NonNullable<ReturnType<StatementSync['get']>>;

function fromRow(row: Row): OrderRecord {
  const order: NewOrder = {
    id: String(row.id),
    clientOrderId: String(row.client_order_id),
    account: String(row.account),
    symbol: String(row.symbol),
    side: row.side as NewOrder['side'],
    type: row.type as NewOrder['type'],
    timeInForce: row.time_in_force as NewOrder['timeInForce'],
    quantity: Number(row.quantity),
    ...(row.price === null ? {} : { price: Number(row.price) }),
  };
  return {
    order,
    time: Number(row.time),
    filled: Number(row.filled),
    cancelled: Number(row.cancelled),
    value: BigInt(String(row.value)),
    status: row.status as OrderRecord['status'],
  };
}
