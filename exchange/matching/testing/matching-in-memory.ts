/**
 * For tests of the services that follow the engine: `matching` with the real engine and a log in memory. A test gives
 * the orders itself; the service publishes the log and tells its head. The log outlives the service, so a test may stop
 * and start it as often as it likes.
 */
import { platformError, type Service, service } from 'flotilla';
import { type EngineEvent, type LogEntry, Matching, type NewOrder } from '../contract.ts';
import { apply, type Command, createState, type OrderState, openOrders } from '../engine/index.ts';
import { LogRelay } from '../log-relay.ts';
import { streamOfLog } from '../log-stream.ts';

export interface MatchingInMemoryOptions {
  /** Time of the first command, in milliseconds since the epoch. */
  readonly startAt?: number;
  /** Entries reach the followers only once the head of the log was asked for: so that a read that does not ask is stale. */
  readonly holdUntilAsked?: boolean;
}

export class MatchingInMemory {
  readonly #state = createState();
  readonly #orders = new Map<string, OrderState>();
  readonly #log: LogEntry[] = [];
  readonly #holds: boolean;
  /** Entries that followers may see. */
  #released = 0;
  #relay: LogRelay | undefined;
  /** Ticks with every command. */
  #clock: number;
  readonly service: Service;

  /** @param symbols markets that are open from the start: the first entries of the log. */
  constructor(symbols: readonly string[], options: MatchingInMemoryOptions = {}) {
    const { startAt = 1_700_000_000_000, holdUntilAsked = false } = options;
    this.#clock = startAt;
    this.#holds = holdUntilAsked;
    this.service = service(Matching, {
      start: (runtime) => {
        const { log, fatal } = runtime;
        const relay = new LogRelay({
          page: (after) => this.#log.slice(after, this.#released),
          head: this.#released,
          stream: streamOfLog(runtime),
          log,
          onForeign: fatal,
        });
        this.#relay = relay;
        return relay;
      },
      stop: (relay) => relay.close(),
      operations: {
        head: () => this.#head(),
        submit: () => outsideOfTests('submit'),
        cancel: () => outsideOfTests('cancel'),
        abandon: () => outsideOfTests('abandon'),
        order: () => outsideOfTests('order'),
        audit: () => outsideOfTests('audit'),
      },
    });
    for (const symbol of symbols) this.#run({ kind: 'list', time: startAt, symbol });
  }

  /** Every entry so far; the one with sequence n is at n - 1. */
  get log(): readonly LogEntry[] {
    return this.#log;
  }

  /** Every order on a book, as the engine has it. */
  get openOrders(): OrderState[] {
    return [...openOrders(this.#state)];
  }

  /** A buy limit order of one lot at 100 ticks, good till cancelled, unless the details say otherwise. */
  submit(id: string, account: string, details: Partial<NewOrder> = {}): void {
    const order: NewOrder = {
      id,
      account,
      clientOrderId: `client-${id}`,
      symbol: 'BTC-USD',
      side: 'buy',
      type: 'limit',
      quantity: 1,
      timeInForce: 'gtc',
      ...(details.type === 'market' ? {} : { price: 100 }),
      ...details,
    };
    this.#run({ kind: 'submit', time: this.#clock, order });
  }

  cancel(orderId: string): void {
    this.#run({ kind: 'cancel', time: this.#clock, orderId });
  }

  abandon(orderId: string): void {
    this.#run({ kind: 'abandon', time: this.#clock, orderId });
  }

  #run(command: Command): void {
    this.#clock += 1;
    const { result, events } = apply(this.#state, command, (id) => this.#orders.get(id));
    if ('order' in result) this.#orders.set(result.order.id, result.order);
    if (events.length === 0) return;
    const { time } = this.#state;
    this.#log.push({ sequence: this.#log.length + 1, time, events: events as EngineEvent[] });
    if (!this.#holds) this.#release();
  }

  #head(): { sequence: number } {
    this.#release();
    return { sequence: this.#log.length };
  }

  #release(): void {
    const released = this.#log.slice(this.#released);
    this.#released = this.#log.length;
    this.#relay?.offer(released);
  }
}

function outsideOfTests(operation: string): never {
  throw platformError('unimplemented', `${operation}: this log is written by the test itself`);
}
