/**
 * The messages of a Binance spot recording, typed, validated and in integers.
 *
 * A line is the receive time in nanoseconds, a space, and the JSON as received: a combined-stream envelope
 * `{stream, data}` of a diff depth, book ticker or trade stream, or the bare body of a REST depth snapshot.
 * Source of the fields: Binance's "Web Socket Streams" and "Market Data endpoints" documentation for spot.
 */

import { DecimalError, parseScaled } from './decimal.ts';
import type { RecordingFault } from './recording-error.ts';

/** Price in ticks, quantity in lots; quantity 0 removes the level. */
export type Level = readonly [price: number, quantity: number];

interface Received {
  /** Line of the recording, from 1. */
  readonly line: number;
  /** When the recorder received the message, nanoseconds since the epoch. */
  readonly receivedNs: bigint;
}

/** Absolute quantities of the levels that changed in updates `firstId..finalId` (`U`, `u`). */
export interface DepthDiff extends Received {
  readonly kind: 'diff';
  readonly firstId: number;
  readonly finalId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** The best levels of the whole book after update `lastUpdateId`, best first. */
export interface DepthSnapshot extends Received {
  readonly kind: 'snapshot';
  readonly lastUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** Best bid and ask after update `updateId`; sent whenever one of them changes. */
export interface BookTicker extends Received {
  readonly kind: 'ticker';
  readonly updateId: number;
  readonly bid: Level;
  readonly ask: Level;
}

export interface VenueTrade extends Received {
  readonly kind: 'trade';
  readonly id: number;
  readonly price: number;
  readonly quantity: number;
  /** The side that took: the opposite of the resting order's. */
  readonly side: 'buy' | 'sell';
  /** Trade time of the venue, milliseconds since the epoch. */
  readonly time: number;
}

export type VenueMessage = DepthDiff | DepthSnapshot | BookTicker | VenueTrade;

/** How many decimals a tick and a lot have. */
export interface Scale {
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
}

/** Why a line is no message. The reader adds file and line number. */
export class MessageFault extends Error {
  override readonly name = 'MessageFault';
  readonly fault: RecordingFault;

  constructor(fault: RecordingFault, detail: string, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

/** A message and the symbol it names; a REST snapshot names none. */
export interface ParsedLine {
  readonly symbol: string | undefined;
  readonly message: VenueMessage;
}

type Fields = Readonly<Record<string, unknown>>;

/** 2001 and 2128: nineteen digits of nanoseconds between them, and nothing a millisecond clock could produce. */
const EARLIEST_NS = 1_000_000_000_000_000_000n;
const LATEST_NS = 5_000_000_000_000_000_000n;

/** Parses one line. Throws {@link MessageFault}. */
export function parseLine(text: string, line: number, scale: Scale): ParsedLine {
  const space = text.indexOf(' ');
  const stamp = space < 0 ? '' : text.slice(0, space);
  if (!/^\d{1,20}$/.test(stamp)) {
    throw new MessageFault('no_time', 'the line does not begin with a receive time and a space');
  }
  const receivedNs = BigInt(stamp);
  if (receivedNs < EARLIEST_NS || receivedNs > LATEST_NS) {
    throw new MessageFault('bad_time', `${stamp} is no receive time in nanoseconds`);
  }
  const json = parseJson(text.slice(space + 1));
  if (!isFields(json)) throw new MessageFault('unknown_message', 'the JSON is not an object');
  if ('lastUpdateId' in json) return { symbol: undefined, message: snapshot(json, line, receivedNs, scale) };

  const { stream, data } = json;
  if (typeof stream !== 'string' || !isFields(data)) {
    throw new MessageFault(
      'unknown_message',
      'neither a combined-stream message {stream, data} nor a snapshot',
    );
  }
  const message = parseStream(stream, data, line, receivedNs, scale);
  return { symbol: string(data, 's'), message };
}

function parseStream(
  stream: string,
  data: Fields,
  line: number,
  receivedNs: bigint,
  scale: Scale,
): VenueMessage {
  const name = stream.slice(stream.indexOf('@') + 1);
  if (/^depth(@\d+ms)?$/.test(name)) return diff(data, line, receivedNs, scale);
  if (name === 'bookTicker') return ticker(data, line, receivedNs, scale);
  if (name === 'trade') return trade(data, line, receivedNs, scale);
  throw new MessageFault(
    'unknown_message',
    `stream "${stream.slice(0, 60)}" is not one of depth, bookTicker, trade`,
  );
}

function diff(data: Fields, line: number, receivedNs: bigint, scale: Scale): DepthDiff {
  const firstId = integer(data, 'U');
  const finalId = integer(data, 'u');
  if (firstId > finalId)
    throw new MessageFault('absurd_value', `first update ${firstId} is after final ${finalId}`);
  return {
    kind: 'diff',
    line,
    receivedNs,
    firstId,
    finalId,
    bids: levels(data, 'b', scale),
    asks: levels(data, 'a', scale),
  };
}

function snapshot(data: Fields, line: number, receivedNs: bigint, scale: Scale): DepthSnapshot {
  const lastUpdateId = integer(data, 'lastUpdateId');
  const bids = levels(data, 'bids', scale);
  const asks = levels(data, 'asks', scale);
  if (!isOrdered(bids, -1) || !isOrdered(asks, 1)) {
    throw new MessageFault(
      'absurd_value',
      'the snapshot is not ordered from the best level, or has an empty level',
    );
  }
  const bid = bids[0];
  const ask = asks[0];
  if (bid && ask && bid[0] >= ask[0]) throw new MessageFault('absurd_value', 'the snapshot is crossed');
  return { kind: 'snapshot', line, receivedNs, lastUpdateId, bids, asks };
}

function ticker(data: Fields, line: number, receivedNs: bigint, scale: Scale): BookTicker {
  const bid: Level = [price(data, 'b', scale), quantity(data, 'B', scale)];
  const ask: Level = [price(data, 'a', scale), quantity(data, 'A', scale)];
  if (bid[0] >= ask[0]) throw new MessageFault('absurd_value', 'the book ticker is crossed');
  return { kind: 'ticker', line, receivedNs, updateId: integer(data, 'u'), bid, ask };
}

function trade(data: Fields, line: number, receivedNs: bigint, scale: Scale): VenueTrade {
  const { m: buyerIsMaker } = data;
  if (typeof buyerIsMaker !== 'boolean') throw missing('m', 'a boolean');
  return {
    kind: 'trade',
    line,
    receivedNs,
    id: integer(data, 't'),
    price: price(data, 'p', scale),
    quantity: quantity(data, 'q', scale),
    side: buyerIsMaker ? 'sell' : 'buy',
    time: integer(data, 'T'),
  };
}

function levels(data: Fields, field: string, scale: Scale): Level[] {
  const list = data[field];
  if (!Array.isArray(list)) throw missing(field, 'a list of levels');
  return list.map((entry: unknown): Level => {
    if (!Array.isArray(entry)) throw missing(field, 'a list of [price, quantity]');
    const [at, amount]: unknown[] = entry;
    if (typeof at !== 'string' || typeof amount !== 'string')
      throw missing(field, 'a list of [price, quantity]');
    return [
      positive(field, decimal(field, at, scale.priceDecimals)),
      decimal(field, amount, scale.quantityDecimals),
    ];
  });
}

function isOrdered(side: readonly Level[], direction: 1 | -1): boolean {
  return side.every(([at, amount], index) => {
    const before = side[index - 1];
    return amount > 0 && (before === undefined || (at - before[0]) * direction > 0);
  });
}

function price(data: Fields, field: string, scale: Scale): number {
  return positive(field, decimal(field, string(data, field), scale.priceDecimals));
}

function quantity(data: Fields, field: string, scale: Scale): number {
  return positive(field, decimal(field, string(data, field), scale.quantityDecimals));
}

function positive(field: string, value: number): number {
  if (value <= 0)
    throw new MessageFault('absurd_value', `field "${field}" holds a zero that must be positive`);
  return value;
}

function decimal(field: string, text: string, decimals: number): number {
  try {
    return parseScaled(text, decimals);
  } catch (error) {
    if (error instanceof DecimalError) {
      throw new MessageFault('bad_decimal', `field "${field}": ${error.message}`, error);
    }
    throw error;
  }
}

function integer(data: Fields, field: string): number {
  const value = data[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw missing(field, 'a non-negative integer');
  }
  return value;
}

function string(data: Fields, field: string): string {
  const value = data[field];
  if (typeof value !== 'string') throw missing(field, 'a text');
  return value;
}

function missing(field: string, wanted: string): MessageFault {
  return new MessageFault('bad_field', `field "${field}" is missing or not ${wanted}`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MessageFault('bad_json', 'the text after the time is not JSON', error);
  }
}
