/**
 * What is true of a sound state between any two commands. For tests, for a restored snapshot, and for the auditor:
 * walks everything, so its cost grows with the book.
 */

import { type BookSide, bestLevel, keyOf, type Level, type LiveOrder } from './book-side.ts';
import type { EngineState, Market } from './state.ts';

const STATUSES = new Set(['open', 'halted', 'closed']);

/** One sentence per violation; empty when all is well. */
export function check(state: EngineState): string[] {
  const violations: string[] = [];
  if (!isNumber(state.time, 0)) violations.push(`time is ${state.time}`);
  if (!isNumber(state.abandonRetention, 0)) violations.push(`abandonRetention is ${state.abandonRetention}`);
  let resting = 0;
  for (const market of state.markets.values()) resting += checkMarket(state, market, violations);
  if (resting !== state.orders.size) {
    violations.push(`${state.orders.size} orders are live but ${resting} rest on books`);
  }
  checkAbandoned(state, violations);
  return violations;
}

function checkMarket(state: EngineState, market: Market, violations: string[]): number {
  const { symbol, status, sequence, tradeId, bids, asks } = market;
  if (!STATUSES.has(status)) violations.push(`${symbol}: status is ${status}`);
  if (!isNumber(sequence, 0) || !isNumber(tradeId, 0) || tradeId > sequence) {
    violations.push(`${symbol}: sequence ${sequence} cannot go with trade id ${tradeId}`);
  }
  const bid = bestLevel(bids);
  const ask = bestLevel(asks);
  if (bid !== undefined && ask !== undefined && bid.price >= ask.price) {
    violations.push(`${symbol}: crossed, best bid ${bid.price} and best ask ${ask.price}`);
  }
  return checkSide(state, market, bids, violations) + checkSide(state, market, asks, violations);
}

function checkSide(state: EngineState, market: Market, book: BookSide, violations: string[]): number {
  const where = `${market.symbol} ${book.side}`;
  if (book.keys.length !== book.levels.length) {
    violations.push(`${where}: ${book.keys.length} keys for ${book.levels.length} levels`);
  }
  let resting = 0;
  let previous = Number.NEGATIVE_INFINITY;
  for (const [index, level] of book.levels.entries()) {
    const key = keyOf(book.side, level.price);
    if (!isNumber(level.price, 1)) violations.push(`${where}: a level at price ${level.price}`);
    if (book.keys[index] !== key)
      violations.push(`${where}: key ${book.keys[index]} for price ${level.price}`);
    if (key <= previous) violations.push(`${where}: level ${level.price} is out of order`);
    previous = key;
    resting += checkQueue(state, market, book, level, violations);
  }
  return resting;
}

function checkQueue(
  state: EngineState,
  market: Market,
  book: BookSide,
  level: Level,
  violations: string[],
): number {
  const where = `${market.symbol} ${book.side} ${level.price}`;
  let count = 0;
  let total = 0;
  let previous: LiveOrder | undefined;
  for (let order = level.head; order !== undefined; order = order.next) {
    count += 1;
    // A damaged list may be a ring; live orders bound any sound one.
    if (count > state.orders.size) break;
    total += order.remaining;
    if (order.previous !== previous || order.level !== level)
      violations.push(`${where}: ${order.id} is badly linked`);
    if (state.orders.get(order.id) !== order)
      violations.push(`${where}: ${order.id} is not the live order of that id`);
    if (order.price !== level.price || order.side !== book.side || order.symbol !== market.symbol) {
      violations.push(`${where}: ${order.id} belongs to ${order.symbol} ${order.side} ${order.price}`);
    }
    checkOrder(state, order, previous, where, violations);
    previous = order;
  }
  if (level.tail !== previous) violations.push(`${where}: the tail is not the last order`);
  if (count === 0) violations.push(`${where}: an empty level`);
  if (level.total !== total || !isNumber(total, 1)) {
    violations.push(`${where}: total is ${level.total}, its orders sum to ${total}`);
  }
  return count;
}

function checkOrder(
  state: EngineState,
  order: LiveOrder,
  older: LiveOrder | undefined,
  where: string,
  violations: string[],
): void {
  const { id, quantity, remaining, value, time } = order;
  if (!isNumber(quantity, 1) || !isNumber(remaining, 1) || remaining > quantity) {
    violations.push(`${where}: ${id} has ${remaining} of ${quantity} remaining`);
  } else if (!isPlausible(order)) {
    violations.push(`${where}: ${id} traded ${value} tick-lots for ${quantity - remaining} lots`);
  }
  if (!isNumber(time, 0) || time > state.time) violations.push(`${where}: ${id} is from time ${time}`);
  if (older !== undefined && older.time > time)
    violations.push(`${where}: ${id} queues behind a younger order`);
  if (state.abandoned.has(id)) violations.push(`${where}: ${id} is abandoned and live`);
  if (id === '' || order.account === '') violations.push(`${where}: an order without id or account`);
}

/** No order trades at a price worse than its limit. */
function isPlausible(order: LiveOrder): boolean {
  const filled = BigInt(order.quantity - order.remaining);
  const atLimit = filled * BigInt(order.price);
  return order.side === 'buy' ? order.value >= filled && order.value <= atLimit : order.value >= atLimit;
}

function checkAbandoned(state: EngineState, violations: string[]): void {
  let previous = 0;
  for (const [id, since] of state.abandoned) {
    if (!isNumber(since, previous) || since > state.time) violations.push(`abandoned ${id}: since ${since}`);
    else previous = since;
  }
}

function isNumber(value: unknown, atLeast: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= atLeast;
}
