/**
 * A participant's account of its own orders and position, kept from the answers to what it sent.
 *
 * Fills are taken as the total of an order so far, never as increments: so the answer to a submit, a fill event and a
 * poll may come in any order and more than once, and the position still counts every lot once.
 */

import type { Action, OwnOrder, Side, SubmitAction } from './action.ts';

/** How an order stands, from whichever source. */
export interface OrderReport {
  readonly orderId: string;
  /** All lots filled so far. */
  readonly filled: number;
  /** Whether the order can still trade. */
  readonly open: boolean;
}

interface Tracked {
  readonly clientOrderId: string;
  readonly side: Side;
  readonly price: number | undefined;
  readonly quantity: number;
  orderId: string | undefined;
  filled: number;
  remaining: number;
  cancelling: boolean;
}

/** An order of an earlier process. */
export interface OpenOrder {
  readonly clientOrderId: string;
  readonly orderId: string;
  readonly side: Side;
  readonly price: number | undefined;
  readonly quantity: number;
  /** Lots filled that `position` already contains. */
  readonly filled: number;
}

/** Reports of unknown orders are mostly somebody else's. */
const MAX_EARLY = 1_000;

export class OwnOrders {
  readonly #byClientId = new Map<string, Tracked>();
  readonly #byOrderId = new Map<string, Tracked>();
  /** Reports by ids that no answer has told yet; the answer to their submit may be overtaken. */
  readonly #early = new Map<string, OrderReport>();
  #position: number;

  constructor(position = 0, open: readonly OpenOrder[] = []) {
    this.#position = position;
    for (const order of open) this.adopt(order);
  }

  /** Lots bought less lots sold. */
  get position(): number {
    return this.#position;
  }

  /** All orders that may still trade, oldest first. Live: copy it to keep it. */
  get open(): readonly OwnOrder[] {
    return [...this.#byClientId.values()];
  }

  /** Notes an action on its way; call it before sending. */
  sent(action: Action): void {
    if (action.kind === 'submit') this.#submitted(action);
    else this.#mark(action.orderId, true);
  }

  /** Takes over an order that an earlier process sent. One that is known already is left alone. */
  adopt(order: OpenOrder): void {
    if (this.#byClientId.has(order.clientOrderId)) return;
    this.#add({ ...order, remaining: order.quantity - order.filled, cancelling: false });
  }

  /** Notes how an order stands. An order that is not known any more is left alone. */
  report(clientOrderId: string, { orderId, filled, open }: OrderReport): void {
    const order = this.#byClientId.get(clientOrderId);
    if (!order) return;
    if (order.orderId === undefined) {
      order.orderId = orderId;
      this.#byOrderId.set(orderId, order);
      const early = this.#early.get(orderId);
      if (early) {
        this.#early.delete(orderId);
        this.report(clientOrderId, early);
      }
      if (!this.#byClientId.has(clientOrderId)) return;
    }
    const more = filled - order.filled;
    if (more > 0) {
      this.#position += order.side === 'buy' ? more : -more;
      order.filled = filled;
      order.remaining = order.quantity - filled;
    }
    if (!open || order.remaining <= 0) this.#remove(order);
  }

  /**
   * The same, by the id of the market. For an id that is not known while a submit is under way, the report is kept:
   * it may be that order's, whose answer has yet to come.
   */
  reportById(report: OrderReport): void {
    const order = this.#byOrderId.get(report.orderId);
    if (order) {
      this.report(order.clientOrderId, report);
      return;
    }
    if (!this.#isAwaitingAnswers()) {
      this.#early.clear();
      return;
    }
    const before = this.#early.get(report.orderId);
    if (before && (!before.open || before.filled >= report.filled)) return;
    this.#early.set(report.orderId, report);
    if (this.#early.size > MAX_EARLY) this.#early.delete(this.#early.keys().next().value!);
  }

  /** The submit was refused: the order never was. Not for an unknown outcome, which has to be found out. */
  refused(clientOrderId: string): void {
    const order = this.#byClientId.get(clientOrderId);
    if (order) this.#remove(order);
  }

  /** The cancel did not get through: the order may be cancelled again. */
  cancelFailed(orderId: string): void {
    this.#mark(orderId, false);
  }

  #isAwaitingAnswers(): boolean {
    for (const { orderId } of this.#byClientId.values()) if (orderId === undefined) return true;
    return false;
  }

  #submitted({ clientOrderId, side, price, quantity }: SubmitAction): void {
    this.#add({
      clientOrderId,
      orderId: undefined,
      side,
      price,
      quantity,
      filled: 0,
      remaining: quantity,
      cancelling: false,
    });
  }

  #add(order: Tracked): void {
    this.#byClientId.set(order.clientOrderId, order);
    if (order.orderId !== undefined) this.#byOrderId.set(order.orderId, order);
  }

  #remove(order: Tracked): void {
    this.#byClientId.delete(order.clientOrderId);
    if (order.orderId !== undefined) this.#byOrderId.delete(order.orderId);
  }

  #mark(orderId: string, cancelling: boolean): void {
    const order = this.#byOrderId.get(orderId);
    if (order) order.cancelling = cancelling;
  }
}
