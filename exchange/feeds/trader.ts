/**
 * One simulated participant at work: an account, its orders, and the calls that carry its decisions. Whatever the
 * outcome of a call, the truth about its orders comes from the engine's log.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { EngineEvent, Matching, OrderState } from '@exchange/matching';
import {
  type InstrumentUnits,
  lotsToQuantity,
  quantityToLots,
  ticksToPrice,
} from '@exchange/reference/units';
import type { Risk } from '@exchange/risk';
import { attempt, type Client, type EndUser, type FlotillaError, type Logger } from 'flotilla';
import {
  type Action,
  isOfEpoch,
  OwnOrders,
  type Participant,
  type SubmitAction,
} from './participants/index.ts';

export interface TraderClients {
  readonly Risk: Pick<Client<typeof Risk>, 'place'>;
  readonly Matching: Pick<Client<typeof Matching>, 'cancel'>;
}

export interface TraderOptions {
  readonly participant: Participant;
  /** That of the participant's client order ids: those of another are of an earlier process. */
  readonly epoch: string;
  readonly account: string;
  readonly units: InstrumentUnits;
  readonly clients: TraderClients;
  /** Lots bought less lots sold so far. */
  readonly position: number;
  /** Its resting orders, at the moment of that position. */
  readonly resting: readonly OrderState[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const callDeadlineMs = 2_000;
/** An order whose outcome is unknown is asked for again, under the same client order id, after this long. */
const askAgainMs = 500;
const scopes = ['orders:read', 'orders:write', 'account:read'];

export interface Tally {
  submitted: number;
  rejected: number;
}

export class Trader {
  readonly account: string;
  readonly #options: TraderOptions;
  readonly #orders: OwnOrders;
  readonly #user: EndUser;
  /** Quantity of own live orders by id: a fill says what remains, and what was filled follows. */
  readonly #quantities = new Map<string, number>();

  constructor(options: TraderOptions) {
    const { account, position, resting } = options;
    this.account = account;
    this.#options = options;
    this.#user = { subject: account, scopes };
    this.#orders = new OwnOrders(
      position,
      resting.map(({ id, clientOrderId, side, price, quantity, filled }) => ({
        orderId: id,
        clientOrderId,
        side,
        price,
        quantity,
        filled,
      })),
    );
    for (const { id, quantity } of resting) this.#quantities.set(id, quantity);
  }

  /** Lets the participant decide, and sends what it wants. */
  act(
    now: number,
    reference: number,
    best: { bestBid: number | undefined; bestAsk: number | undefined },
    tally: Tally,
  ): void {
    const { participant, signal } = this.#options;
    const { bestBid, bestAsk } = best;
    const view = {
      now,
      reference,
      bestBid,
      bestAsk,
      position: this.#orders.position,
      own: this.#orders.open,
    };
    for (const action of participant.decide(view)) {
      if (signal.aborted) return;
      this.#orders.sent(action);
      void this.#send(action, tally);
    }
  }

  /** Takes over what the log says about an own order. */
  observe(event: EngineEvent): void {
    if (event.kind === 'accepted') {
      const { id: orderId, clientOrderId, side, price, quantity } = event.order;
      this.#quantities.set(orderId, quantity);
      const { participant, epoch } = this.#options;
      if (!isOfEpoch(clientOrderId, participant.name, epoch)) {
        // Sent by an earlier process, and through only now.
        this.#orders.adopt({ orderId, clientOrderId, side, price, quantity, filled: 0 });
      }
    } else if (event.kind === 'filled' || event.kind === 'cancelled') {
      const { orderId, remaining } = event;
      const quantity = this.#quantities.get(orderId);
      if (quantity === undefined) return;
      const open = event.kind === 'filled' && remaining > 0;
      if (!open) this.#quantities.delete(orderId);
      this.#orders.reportById({ orderId, filled: quantity - remaining, open });
    }
  }

  async #send(action: Action, tally: Tally): Promise<void> {
    if (action.kind === 'submit') await this.#submit(action, tally);
    else await this.#cancel(action.orderId);
  }

  async #submit(action: SubmitAction, tally: Tally): Promise<void> {
    const { units, clients, log, signal } = this.#options;
    const { clientOrderId, side, type, price, quantity, timeInForce } = action;
    const input = {
      clientOrderId,
      symbol: units.symbol,
      side,
      type,
      ...(price === undefined ? {} : { price: ticksToPrice(units, price) }),
      quantity: lotsToQuantity(units, quantity),
      timeInForce,
    };
    tally.submitted += 1;
    while (!signal.aborted) {
      const placed = await attempt(
        clients.Risk.place(input, { user: this.#user, deadlineMs: callDeadlineMs }),
      );
      if (placed.ok) {
        const { id, status, filled } = placed.value;
        const open = status === 'open' || status === 'partially_filled';
        const lots = Number(filled) === 0 ? 0 : quantityToLots(units, filled);
        this.#orders.report(clientOrderId, { orderId: id, filled: lots, open });
        return;
      }
      if (!leavesUnknown(placed.error)) {
        tally.rejected += 1;
        log.debug('order refused', { clientOrderId, code: placed.error.code, reason: placed.error.message });
        this.#orders.refused(clientOrderId);
        return;
      }
      await pause(askAgainMs, undefined, { signal }).catch(() => {});
    }
  }

  async #cancel(id: string): Promise<void> {
    const { clients } = this.#options;
    const cancelled = await attempt(
      clients.Matching.cancel({ id }, { user: this.#user, deadlineMs: callDeadlineMs }),
    );
    // One that is closed or unknown is gone: the log tells how.
    if (!cancelled.ok && leavesUnknown(cancelled.error)) this.#orders.cancelFailed(id);
  }
}

/** Whether the call may have had its effect, or may still have it when it is made again. */
function leavesUnknown({ code, retryable }: FlotillaError): boolean {
  return retryable || code === 'internal' || code === 'cancelled';
}
