/**
 * Makes small recordings of the venue's format out of a market whose every state is known: the oracle for whatever
 * reads recordings, and a feed for tests that must not depend on a file of somebody else.
 *
 * Each update changes one level and has its own id. A ticker is sent at once when the best changes, a diff after
 * several updates, a snapshot at one point: so tickers run ahead of the diffs as they do at the venue.
 */

import { gzipSync } from 'node:zlib';

/** Price in ticks → quantity in lots. */
export type Levels = ReadonlyMap<number, number>;

export interface SyntheticOptions {
  /** The only source of chance: the same seed gives the same recording. */
  readonly seed: number;
  /** How many diffs to record. Default 40. */
  readonly diffs?: number;
  /** Before which diff, from 0, the snapshot is taken; undefined for a recording without one. Default 2. */
  readonly snapshotTaken?: number | undefined;
  /** How many diffs later the answer with the snapshot is received. Default 1. */
  readonly snapshotDelay?: number;
  /** Diffs, from 0, that the recorder lost. */
  readonly lost?: ReadonlySet<number>;
  /** Receive each ticker as late as one diff after the one that contains its update. Default false. */
  readonly lateTickers?: boolean;
  /** Name in the messages. Default "BTCUSDT". */
  readonly symbol?: string;
  /** Where the price begins, in ticks. Default 10,000. */
  readonly price?: number;
}

export interface SyntheticState {
  readonly finalId: number;
  readonly bids: Levels;
  readonly asks: Levels;
}

export interface SyntheticRecording {
  readonly lines: readonly string[];
  /** The venue's true book after each diff, lost ones included. */
  readonly states: readonly SyntheticState[];
  /** Id of the first ticker, undefined without one. */
  readonly firstTickerId: number | undefined;
}

const TICK_DECIMALS = 2;
const LOT_DECIMALS = 8;
const START_NS = 1_723_161_600_000_000_000n;
const START_MS = 1_723_161_600_000;

export function syntheticRecording(options: SyntheticOptions): SyntheticRecording {
  const random = chance(options.seed);
  const {
    diffs = 40,
    snapshotDelay = 1,
    lost = new Set(),
    lateTickers = false,
    symbol = 'BTCUSDT',
    price: start = 10_000,
  } = options;
  const snapshotTaken = 'snapshotTaken' in options ? options.snapshotTaken : 2;
  const stream = symbol.toLowerCase();
  const bids = new Map<number, number>();
  const asks = new Map<number, number>();
  for (let step = 1; step <= 30; step++) {
    bids.set(start - step, lots(random));
    asks.set(start + step, lots(random));
  }

  const lines: string[] = [];
  const states: SyntheticState[] = [];
  let late: string[] = [];
  let clock = START_NS;
  let id = 1_000;
  let tradeId = 1;
  let firstTickerId: number | undefined;
  let answer: { readonly due: number; readonly json: string } | undefined;
  let best = bestOf(bids, asks);

  const record = (json: string) => {
    clock += BigInt(Math.floor(random() * 20_000_000));
    lines.push(`${clock} ${json}`);
  };
  const envelope = (name: string, data: object) => JSON.stringify({ stream: `${stream}@${name}`, data });

  for (let index = 0; index < diffs; index++) {
    if (index === snapshotTaken) answer = { due: index + snapshotDelay, json: snapshot(id, bids, asks) };
    const firstId = id + 1;
    const changedBids = new Set<number>();
    const changedAsks = new Set<number>();
    const tickers: string[] = [];
    for (let updates = 1 + Math.floor(random() * 6); updates > 0; updates--) {
      id++;
      const isBid = random() < 0.5;
      const [own, other, changed] = isBid ? [bids, asks, changedBids] : [asks, bids, changedAsks];
      const price = pickPrice(random, isBid, best);
      const crossing = isBid ? price >= best.ask : price <= best.bid;
      if (crossing && other.size > 10) {
        // A taker: the level that it meets disappears, and nothing new rests.
        const met = isBid ? best.ask : best.bid;
        other.delete(met);
        (isBid ? changedAsks : changedBids).add(met);
        const fields = { e: 'trade', E: START_MS, s: symbol, t: tradeId++, p: text(met, TICK_DECIMALS) };
        record(
          envelope('trade', {
            ...fields,
            q: text(lots(random), LOT_DECIMALS),
            T: START_MS,
            m: !isBid,
            M: true,
          }),
        );
      } else if (!crossing) {
        if (own.has(price) && own.size > 10 && random() < 0.5) own.delete(price);
        else own.set(price, lots(random));
        changed.add(price);
      }
      const now = bestOf(bids, asks);
      if (
        now.bid !== best.bid ||
        now.ask !== best.ask ||
        now.bidLots !== best.bidLots ||
        now.askLots !== best.askLots
      ) {
        firstTickerId ??= id;
        const ticker = envelope('bookTicker', {
          u: id,
          s: symbol,
          b: text(now.bid, TICK_DECIMALS),
          B: text(now.bidLots, LOT_DECIMALS),
          a: text(now.ask, TICK_DECIMALS),
          A: text(now.askLots, LOT_DECIMALS),
        });
        if (lateTickers) tickers.push(ticker);
        else record(ticker);
      }
      best = now;
    }
    const data = { e: 'depthUpdate', E: START_MS, s: symbol, U: firstId, u: id };
    const diff = envelope('depth@100ms', {
      ...data,
      b: named(changedBids, bids),
      a: named(changedAsks, asks),
    });
    if (!lost.has(index)) record(diff);
    for (const ticker of late) record(ticker);
    late = tickers;
    states.push({ finalId: id, bids: new Map(bids), asks: new Map(asks) });
    if (answer?.due === index) record(answer.json);
  }
  for (const ticker of late) record(ticker);
  return { lines, states, firstTickerId };
}

/** The bytes of a recording file. */
export function recordingBytes(lines: readonly string[], compressed = true): Buffer {
  const plain = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return compressed ? gzipSync(plain) : plain;
}

/** Uniform in [0, 1). */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function lots(random: () => number): number {
  return 1 + Math.floor(random() * 500_000_000);
}

function pickPrice(random: () => number, isBid: boolean, best: { bid: number; ask: number }): number {
  const away = Math.floor(random() * random() * 25) - 1;
  return isBid ? best.bid - away : best.ask + away;
}

function bestOf(bids: Levels, asks: Levels) {
  const bid = Math.max(...bids.keys());
  const ask = Math.min(...asks.keys());
  return { bid, ask, bidLots: bids.get(bid)!, askLots: asks.get(ask)! };
}

function named(prices: ReadonlySet<number>, levels: Levels): [string, string][] {
  return [...prices].map((price) => [text(price, TICK_DECIMALS), text(levels.get(price) ?? 0, LOT_DECIMALS)]);
}

function snapshot(lastUpdateId: number, bids: Levels, asks: Levels): string {
  const side = (levels: Levels, direction: number) =>
    [...levels]
      .sort((one, other) => (one[0] - other[0]) * direction)
      .map(([price, quantity]) => [text(price, TICK_DECIMALS), text(quantity, LOT_DECIMALS)]);
  return JSON.stringify({ lastUpdateId, bids: side(bids, -1), asks: side(asks, 1) });
}

function text(units: number, decimals: number): string {
  const digits = String(units).padStart(decimals + 1, '0');
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
