/**
 * One side of a book: price levels, each a first-in-first-out queue of resting orders.
 *
 * Levels are kept in an array with the best price at the END, where nearly all work happens: taking the top level is a
 * pop, and a new level near the top moves few entries. `keys` mirrors the prices in an array of plain numbers, negated
 * for the sell side, so that both sides search the same ascending order without touching a level object.
 * Queues are intrusive linked lists: an order leaves the middle of its queue without a search.
 */

import type { Side } from './command.ts';

/** An order on the book, or the one being matched right now (then it has no level yet). Mutable; never handed out. */
export interface LiveOrder {
  readonly id: string;
  readonly account: string;
  readonly symbol: string;
  readonly side: Side;
  /** Ticks. */
  readonly price: number;
  /** Lots submitted. */
  readonly quantity: number;
  /** Lots not yet filled. */
  remaining: number;
  /** Tick-lots traded so far. */
  value: bigint;
  readonly time: number;
  level: Level | undefined;
  previous: LiveOrder | undefined;
  next: LiveOrder | undefined;
}

export interface Level {
  readonly price: number;
  /** Lots resting here: always the sum over the queue. */
  total: number;
  /** Oldest order, the first to trade. */
  head: LiveOrder | undefined;
  tail: LiveOrder | undefined;
}

export interface BookSide {
  readonly side: Side;
  /** Ascending; `keys[i]` belongs to `levels[i]`, and the last is the best. */
  readonly keys: number[];
  readonly levels: Level[];
}

/** How far from the top a level is searched one by one before the search turns binary. */
const NEAR_TOP = 8;

export function createBookSide(side: Side): BookSide {
  return { side, keys: [], levels: [] };
}

/** Larger is better, on either side. */
export function keyOf(side: Side, price: number): number {
  return side === 'buy' ? price : -price;
}

export function bestLevel(book: BookSide): Level | undefined {
  // Reading index -1 of an empty array would leave the fast path of the array.
  const { length } = book.levels;
  return length === 0 ? undefined : book.levels[length - 1];
}

export function findLevel(book: BookSide, price: number): Level | undefined {
  const key = keyOf(book.side, price);
  const index = position(book.keys, key);
  return book.keys[index] === key ? book.levels[index] : undefined;
}

/** Puts an order at the end of the queue at its price; `level` is what {@link findLevel} says for that price. */
export function append(book: BookSide, order: LiveOrder, level: Level | undefined): Level {
  if (level === undefined) {
    const created: Level = { price: order.price, total: order.remaining, head: order, tail: order };
    order.level = created;
    insertLevel(book, created);
    return created;
  }
  order.level = level;
  order.previous = level.tail;
  if (level.tail === undefined) level.head = order;
  else level.tail.next = order;
  level.tail = order;
  level.total += order.remaining;
  return level;
}

/** Takes an order out of its queue, and its level out of the book when it was the last one there. */
export function remove(book: BookSide, order: LiveOrder, level: Level): void {
  const { previous, next } = order;
  if (previous === undefined) level.head = next;
  else previous.next = next;
  if (next === undefined) level.tail = previous;
  else next.previous = previous;
  level.total -= order.remaining;
  order.level = undefined;
  order.previous = undefined;
  order.next = undefined;
  if (level.head === undefined) removeLevel(book, level);
}

function insertLevel(book: BookSide, level: Level): void {
  const key = keyOf(book.side, level.price);
  const index = position(book.keys, key);
  if (index === book.keys.length) {
    book.keys.push(key);
    book.levels.push(level);
  } else {
    book.keys.splice(index, 0, key);
    book.levels.splice(index, 0, level);
  }
}

function removeLevel(book: BookSide, level: Level): void {
  if (book.levels[book.levels.length - 1] === level) {
    book.keys.pop();
    book.levels.pop();
  } else {
    const index = position(book.keys, keyOf(book.side, level.price));
    book.keys.splice(index, 1);
    book.levels.splice(index, 1);
  }
}

/** Index of the first key that is not below `key`: where it is, or where it belongs. */
function position(keys: readonly number[], key: number): number {
  let high = keys.length;
  const near = high > NEAR_TOP ? high - NEAR_TOP : 0;
  while (high > near) {
    if (keys[high - 1]! < key) return high;
    high -= 1;
  }
  let low = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
