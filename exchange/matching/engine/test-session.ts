/** One engine with one open market, as the unit tests drive it: the clock ticks by itself, and every step is checked. */

import assert from 'node:assert/strict';
import { apply } from './apply.ts';
import type { NewOrder } from './command.ts';
import type { EngineEvent } from './event.ts';
import { check } from './invariants.ts';
import type { CancelResult, OrderState, Outcome, SubmitResult } from './outcome.ts';
import { createState, type EngineState } from './state.ts';
import { openOrders } from './views.ts';

export const symbol = 'BTC-USD';

export class TestSession {
  readonly state: EngineState = createState();
  /** Time of the latest command. */
  clock = 1_000;

  constructor() {
    apply(this.state, { kind: 'list', symbol, time: this.clock });
  }

  submit(id: string, details: Partial<NewOrder>): Outcome<SubmitResult> {
    this.clock += 1;
    const outcome = apply(this.state, { kind: 'submit', time: this.clock, order: makeOrder(id, details) });
    assert.deepEqual(check(this.state), []);
    return outcome;
  }

  cancel(orderId: string, account?: string): Outcome<CancelResult> {
    this.clock += 1;
    const outcome = apply(this.state, { kind: 'cancel', time: this.clock, orderId, account });
    assert.deepEqual(check(this.state), []);
    return outcome;
  }

  /** Resting orders with what remains of them, first to trade first; bids before asks. */
  queue(): string[] {
    return Array.from(openOrders(this.state), ({ id, remaining }) => `${id}:${remaining}`);
  }
}

/** A bid for 10 lots at 100 ticks, good till cancelled, unless the details say otherwise. */
export function makeOrder(id: string, details: Partial<NewOrder>): NewOrder {
  const price = details.type === 'market' ? undefined : 100;
  return {
    id,
    account: `owner of ${id}`,
    symbol,
    side: 'buy',
    type: 'limit',
    price,
    quantity: 10,
    timeInForce: 'gtc',
    ...details,
  };
}

export function kinds(events: readonly EngineEvent[]): string[] {
  return events.map((event) => event.kind);
}

/** Maker order, price and quantity of each trade. */
export function trades(events: readonly EngineEvent[]): [string, number, number][] {
  return events.flatMap((event): [string, number, number][] =>
    event.kind === 'trade' ? [[event.makerOrderId, event.price, event.quantity]] : [],
  );
}

export function stateOf(outcome: Outcome<SubmitResult>): OrderState {
  assert.ok(outcome.result.kind !== 'abandoned');
  return outcome.result.order;
}
