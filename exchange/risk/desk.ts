/**
 * Taking orders in: the way of an order from the client's request to the engine's answer. What makes it safe against a
 * crash at any moment, here or at the engine:
 *
 * 1. Hold and order are on disk before the order leaves, under an id that the engine takes at most once.
 * 2. Only an order that surely never left, or was refused unread, is undone here. Everything else waits for the engine: its log says accepted,
 *    rejected or abandoned, and only the log uses or releases the hold.
 * 3. Whoever does not know the outcome asks the engine under the same id: a client that tries again by submitting, the
 *    resolver by abandoning. Per order one such question is under way at a time; others share its answer.
 */
import type { Matching, NewOrder, Order, OrderState } from '@exchange/matching';
import type { EngineLog } from '@exchange/matching/engine-log';
import { orderView } from '@exchange/matching/order-view';
import type { KnownCatalogue } from '@exchange/reference/known-catalogue';
import { formatTrimmed } from '@exchange/reference/units';
import { type Client, FlotillaError, platformError, type TraceContext } from 'flotilla';
import { isSameBody, type OrderBody, orderBody, protectionPrice } from './admission.ts';
import type { Books } from './books.ts';
import { type PlaceOrder, Risk } from './contract.ts';
import { heldAsset, holdFor } from './hold.ts';
import type { PlacedOrder } from './placed-orders.ts';

export interface DeskOptions {
  readonly books: Books;
  readonly catalogue: Pick<KnownCatalogue, 'get' | 'decimals' | 'current'>;
  readonly engineLog: Pick<EngineLog, 'waitFor'>;
  /** A client of `matching` that no call's deadline limits. */
  readonly engine: Pick<Client<typeof Matching>, 'submit' | 'abandon'>;
  readonly nextId: () => string;
  /** Called when an order's outcome is not known. */
  readonly onUncertain: () => void;
}

export interface Placed {
  readonly order: Order;
  /** Whether an earlier call had placed it. */
  readonly replayed: boolean;
}

type Settled =
  | { readonly kind: 'taken'; readonly order: OrderState; readonly sequence: number; readonly isNew: boolean }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'abandoned'; readonly sequence: number };

/** The engine's answer is waited for this long, whoever asks; then the outcome counts as unknown. */
const ENGINE_MS = 5_000;
/** An abandoned order leaves through the log; waiting for that is bounded like a read. */
const LOG_MS = 2_000;

export class OrderDesk {
  readonly #options: DeskOptions;
  /** Questions to the engine that have no answer yet, by order id. */
  readonly #asked = new Map<string, Promise<Settled>>();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /**
   * Places an order of an account, or gives the one that was placed under the client's id before.
   *
   * @throws FlotillaError what the contract declares; `invalid_argument`; `conflict` (another order under the same id);
   * `unavailable`, `overloaded` or `deadline_exceeded` while the engine is away or busy: the same request again settles it.
   */
  async place(account: string, input: PlaceOrder, trace?: TraceContext): Promise<Placed> {
    const { books } = this.#options;
    const body = orderBody(input, this.#instrument(input.symbol));
    const { clientOrderId } = input;
    for (;;) {
      const before = books.orders.find(account, clientOrderId);
      if (before && !isSameBody(body, before.order)) {
        throw platformError(
          'conflict',
          `another order was placed as ${clientOrderId}: use another clientOrderId`,
        );
      }
      if (before?.state === 'rejected') {
        await books.durable();
        throw rejection(before.order.id, before.reason ?? 'unknown');
      }
      const placed = before ?? this.#reserve(account, clientOrderId, body);
      const joined = this.#asked.get(placed.order.id);
      const settled = await (joined ?? this.#submit(placed, trace));
      if (settled.kind === 'rejected') throw rejection(placed.order.id, settled.reason);
      if (settled.kind === 'taken') {
        if (settled.order.status !== 'rejected') {
          const { units } = this.#instrument(input.symbol)!;
          return { order: orderView(settled.order, units), replayed: !settled.isNew || joined !== undefined };
        }
        // Known to the engine as rejected: the log, when it gets here, says why.
      }
      await this.#logged(settled.sequence);
    }
  }

  /** Asks the engine to settle an order whose outcome is unknown, unless somebody else's question does it. */
  async settle(placed: PlacedOrder): Promise<void> {
    const { id } = placed.order;
    for (let asked = this.#asked.get(id); asked; asked = this.#asked.get(id)) await asked.catch(() => {});
    if (placed.state === 'pending' && placed.outcome === 'unknown') await this.#abandon(placed);
  }

  #instrument(symbol: string) {
    const { catalogue } = this.#options;
    if (catalogue.current) return catalogue.get(symbol);
    throw platformError('unavailable', 'the markets are not known yet: try again when reference runs');
  }

  #reserve(account: string, clientOrderId: string, body: OrderBody): PlacedOrder {
    const { books, catalogue, nextId } = this.#options;
    const known = this.#instrument(body.symbol)!;
    const { status, symbol } = known.instrument;
    if (status !== 'open') {
      throw Risk.place.error(
        'market_not_open',
        { symbol, status },
        `${symbol} is ${status} and takes no orders`,
      );
    }
    const order: NewOrder = {
      id: nextId(),
      clientOrderId,
      account,
      ...body,
      ...(body.type === 'market'
        ? { protection: protectionPrice(body, known, books.lastPrice(symbol)) }
        : undefined),
    };
    const asset = heldAsset(order, known.units);
    const required = holdFor(order, known.units, order.quantity);
    const available = books.balances.available(account, asset);
    if (required > available) {
      const decimals = catalogue.decimals(asset)!;
      const data = {
        asset,
        required: formatTrimmed(required, decimals),
        available: formatTrimmed(available < 0n ? 0n : available, decimals),
      };
      throw Risk.place.error(
        'insufficient_funds',
        data,
        `the order needs ${data.required} ${asset}, and ${data.available} ${asset} are available`,
      );
    }
    return books.reserve(order);
  }

  #submit(placed: PlacedOrder, trace: TraceContext | undefined): Promise<Settled> {
    return this.#ask(placed, async () => {
      const { books, engine } = this.#options;
      await books.durable();
      try {
        const answer = await engine.submit(
          { order: placed.order },
          { deadlineMs: ENGINE_MS, ...(trace && { trace }) },
        );
        placed.outcome = 'settled';
        const { kind, sequence } = answer;
        if (kind === 'abandoned') return { kind, sequence };
        if (kind === 'rejected') return { kind, reason: answer.reason };
        return { kind: 'taken', order: answer.order, sequence, isNew: kind === 'accepted' };
      } catch (error) {
        throw await this.#unanswered(placed, error);
      }
    });
  }

  #abandon(placed: PlacedOrder): Promise<Settled> {
    return this.#ask(placed, async () => {
      const answer = await this.#options.engine.abandon({ id: placed.order.id }, { deadlineMs: ENGINE_MS });
      placed.outcome = 'settled';
      const { kind, sequence } = answer;
      return kind === 'known'
        ? { kind: 'taken', order: answer.order, sequence, isNew: false }
        : { kind, sequence };
    });
  }

  #ask(placed: PlacedOrder, question: () => Promise<Settled>): Promise<Settled> {
    const { id } = placed.order;
    const asked = question().finally(() => this.#asked.delete(id));
    this.#asked.set(id, asked);
    return asked;
  }

  /** What an engine that did not answer means for the order, and what the client is told. */
  async #unanswered(placed: PlacedOrder, error: unknown): Promise<unknown> {
    const { books, onUncertain } = this.#options;
    if (placed.outcome === 'unsent' && surelyNotRun(error)) {
      await books.undo(placed);
      return notPlaced(error);
    }
    if (placed.outcome === 'unsent') placed.outcome = 'unknown';
    onUncertain();
    const late = error instanceof FlotillaError && error.code === 'deadline_exceeded';
    return platformError(
      late ? 'deadline_exceeded' : 'unavailable',
      'whether the order was placed is not known yet: try again with the same clientOrderId',
      { cause: error },
    );
  }

  async #logged(sequence: number): Promise<void> {
    try {
      await this.#options.engineLog.waitFor(sequence, AbortSignal.timeout(LOG_MS));
    } catch (cause) {
      throw platformError('unavailable', 'the outcome of the order is on its way here: try again', { cause });
    }
  }
}

function rejection(id: string, reason: string): FlotillaError {
  return Risk.place.error('order_rejected', { id, reason }, `the engine rejected the order: ${reason}`);
}

/** It never left, or the engine refused it unread. */
function surelyNotRun(error: unknown): error is FlotillaError {
  if (!(error instanceof FlotillaError) || error.declared) return false;
  return (error.data as { executed?: unknown } | undefined)?.executed === 'no';
}

function notPlaced(cause: FlotillaError): FlotillaError {
  const { code, retryAfterMs } = cause;
  const options = { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return code === 'overloaded'
    ? platformError('overloaded', 'the engine is busy and the order was not placed: try again', options)
    : platformError(
        'unavailable',
        'the engine is not available and the order was not placed: try again',
        options,
      );
}
