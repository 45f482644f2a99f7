/**
 * Customers who keep placing and cancelling orders while things break, and remember what they were promised: an order
 * whose placing was answered with success must exist for ever, once.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Customer, type Order } from './exchange-client.ts';

export interface Promised {
  readonly customer: Customer;
  readonly clientOrderId: string;
  readonly order: Order;
}

export interface FlowReport {
  readonly promised: readonly Promised[];
  /** HTTP statuses of refusals, with how often. */
  readonly refusals: ReadonlyMap<number, number>;
  /** Longest time that a refusal took, in milliseconds. */
  readonly slowestRefusalMs: number;
}

const markets = [
  { symbol: 'BTC-USD', quantity: '0.001', low: '1000.00', high: '900000.00' },
  { symbol: 'ETH-USD', quantity: '0.01', low: '100.00', high: '90000.00' },
  { symbol: 'SOL-USD', quantity: '0.10', low: '1.000', high: '9000.000' },
];

export class OrderFlow {
  readonly #customers: readonly Customer[];
  readonly #promised: Promised[] = [];
  readonly #refusals = new Map<number, number>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];
  #slowestRefusalMs = 0;

  static async start(gateway: string, customers: number): Promise<OrderFlow> {
    const opened = await Promise.all(Array.from({ length: customers }, () => Customer.open(gateway)));
    return new OrderFlow(opened);
  }

  private constructor(customers: readonly Customer[]) {
    this.#customers = customers;
    this.#running = customers.map((customer, index) => this.#run(customer, index));
  }

  get promisedCount(): number {
    return this.#promised.length;
  }

  async stop(): Promise<FlowReport> {
    this.#stop.abort();
    await Promise.all(this.#running);
    return {
      promised: this.#promised,
      refusals: this.#refusals,
      slowestRefusalMs: this.#slowestRefusalMs,
    };
  }

  get customers(): readonly Customer[] {
    return this.#customers;
  }

  async #run(customer: Customer, index: number): Promise<void> {
    for (let round = index; !this.#stop.signal.aborted; round++) {
      const { symbol, quantity, low, high } = markets[round % markets.length]!;
      const side = round % 2 === 0 ? 'buy' : 'sell';
      const taking = round % 3 === 0;
      const price = taking ? {} : { price: side === 'buy' ? low : high };
      const order = {
        clientOrderId: randomUUID(),
        symbol,
        side,
        type: taking ? 'market' : 'limit',
        quantity,
        ...price,
      };
      const placed = await this.#insist(customer, order);
      if (placed && !taking && round % 4 !== 0) await this.#try(() => customer.cancel(placed.id));
    }
  }

  /** Sends the same order until it is acknowledged, as a careful customer does. */
  async #insist(customer: Customer, order: { clientOrderId: string }): Promise<Order | undefined> {
    while (!this.#stop.signal.aborted) {
      const answer = await this.#try(() => customer.place(order));
      if (answer?.status === 201 || answer?.status === 200) {
        this.#promised.push({ customer, clientOrderId: order.clientOrderId, order: answer.body });
        return answer.body;
      }
      if (answer?.status === 422) return undefined;
      await pause(50);
    }
    return undefined;
  }

  async #try<T extends { status: number }>(send: () => Promise<T>): Promise<T | undefined> {
    const startedAt = performance.now();
    try {
      const answer = await send();
      if (answer.status >= 400) {
        this.#refusals.set(answer.status, (this.#refusals.get(answer.status) ?? 0) + 1);
        if (answer.status === 503) {
          this.#slowestRefusalMs = Math.max(this.#slowestRefusalMs, performance.now() - startedAt);
        }
      }
      return answer;
    } catch {
      // The gateway itself is away: status 0.
      this.#refusals.set(0, (this.#refusals.get(0) ?? 0) + 1);
      return undefined;
    }
  }
}
