/**
 * A state as plain JSON, and back. A snapshot carries the hash of the state it was taken from; restoring builds a new
 * state, checks it, and only then hands it out, so a damaged snapshot can neither be used nor harm a running engine.
 */

import { append, type BookSide, findLevel, type LiveOrder } from './book-side.ts';
import type { MarketStatus } from './command.ts';
import { EngineError } from './engine-error.ts';
import { check } from './invariants.ts';
import { createMarket, createState, type EngineState, type Market } from './state.ts';
import { stateHash } from './state-hash.ts';

const FORMAT = 1;

export interface OrderSnapshot {
  readonly id: string;
  readonly account: string;
  readonly quantity: number;
  readonly remaining: number;
  /** Tick-lots traded so far, as a decimal string. */
  readonly value: string;
  readonly time: number;
}

export interface LevelSnapshot {
  readonly price: number;
  /** Oldest first. */
  readonly orders: readonly OrderSnapshot[];
}

export interface MarketSnapshot {
  readonly symbol: string;
  readonly status: MarketStatus;
  readonly sequence: number;
  readonly tradeId: number;
  /** Best first. */
  readonly bids: readonly LevelSnapshot[];
  /** Best first. */
  readonly asks: readonly LevelSnapshot[];
}

/** JSON-safe: no bigint, no undefined. */
export interface Snapshot {
  readonly format: 1;
  /** `stateHash` of the state. */
  readonly hash: string;
  readonly time: number;
  readonly abandonRetention: number;
  readonly markets: readonly MarketSnapshot[];
  /** Oldest first. */
  readonly abandoned: readonly (readonly [id: string, since: number])[];
}

export function snapshot(state: EngineState): Snapshot {
  return {
    format: FORMAT,
    hash: stateHash(state),
    time: state.time,
    abandonRetention: state.abandonRetention,
    markets: Array.from(state.markets.values(), marketSnapshot),
    abandoned: [...state.abandoned],
  };
}

/**
 * Builds a new state from a snapshot, as `snapshot` gave it or as parsed from JSON. Nothing that exists is touched.
 * @throws EngineError `snapshot_format` (another version) or `snapshot_damaged` (the content is not what was written)
 */
export function restore(source: unknown): EngineState {
  const format = (source as { format?: unknown } | null | undefined)?.format;
  if (format !== FORMAT) {
    throw new EngineError(
      'snapshot_format',
      `the snapshot has format ${JSON.stringify(format)}, this build reads ${FORMAT}: ` +
        'restore it with the build that wrote it, or replay the journal from an older snapshot',
    );
  }
  const parsed = source as Snapshot;
  let state: EngineState;
  try {
    state = build(parsed);
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error));
  }
  const violations = check(state);
  if (violations.length > 0) throw damaged(violations.slice(0, 3).join('; '));
  if (stateHash(state) !== parsed.hash)
    throw damaged('its content does not have the hash it was stored with');
  return state;
}

function build(source: Snapshot): EngineState {
  const state = createState({ abandonRetention: source.abandonRetention });
  state.time = source.time;
  for (const from of source.markets) {
    const market = createMarket(from.symbol, from.status);
    market.sequence = from.sequence;
    market.tradeId = from.tradeId;
    state.markets.set(market.symbol, market);
    fill(state, market, market.bids, from.bids);
    fill(state, market, market.asks, from.asks);
  }
  for (const [id, since] of source.abandoned) state.abandoned.set(id, since);
  return state;
}

/** Worst level first, so that each next level goes to the end of the array, where insertion is cheap. */
function fill(state: EngineState, market: Market, book: BookSide, levels: readonly LevelSnapshot[]): void {
  for (let index = levels.length - 1; index >= 0; index -= 1) {
    const { price, orders } = levels[index]!;
    for (const from of orders) {
      const order: LiveOrder = {
        id: from.id,
        account: from.account,
        symbol: market.symbol,
        side: book.side,
        price,
        quantity: from.quantity,
        remaining: from.remaining,
        value: BigInt(from.value),
        time: from.time,
        level: undefined,
        previous: undefined,
        next: undefined,
      };
      append(book, order, findLevel(book, price));
      state.orders.set(order.id, order);
    }
  }
}

function marketSnapshot(market: Market): MarketSnapshot {
  const { symbol, status, sequence, tradeId, bids, asks } = market;
  return { symbol, status, sequence, tradeId, bids: levelSnapshots(bids), asks: levelSnapshots(asks) };
}

function levelSnapshots(book: BookSide): LevelSnapshot[] {
  const levels: LevelSnapshot[] = [];
  for (let index = book.levels.length - 1; index >= 0; index -= 1) {
    const level = book.levels[index]!;
    const orders: OrderSnapshot[] = [];
    for (let order = level.head; order !== undefined; order = order.next) {
      const { id, account, quantity, remaining, value, time } = order;
      orders.push({ id, account, quantity, remaining, value: value.toString(), time });
    }
    levels.push({ price: level.price, orders });
  }
  return levels;
}

function damaged(why: string): EngineError {
  return new EngineError(
    'snapshot_damaged',
    `the snapshot is damaged: ${why}. Restore an older snapshot and replay the journal from there`,
  );
}
