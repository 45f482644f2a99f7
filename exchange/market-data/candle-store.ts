/** Candles on disk, one row a minute. Longer ones are folded from these when they are asked for. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from 'flotilla';
import type { TradeUpdate } from './market-update.ts';

const minuteMs = 60_000;

/** Prices in ticks, volume in lots. */
export interface CandleRow {
  /** Start, milliseconds since the epoch. Intervals begin at multiples of their length since then. */
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly trades: number;
}

export class CandleStore {
  readonly #add: StatementSync;
  readonly #read: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: Database) {
    this.#add = database.prepare(
      `INSERT INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET
         high = max(high, excluded.high), low = min(low, excluded.low), close = excluded.close,
         volume = volume + excluded.volume, trades = trades + 1`,
    );
    this.#read = database.prepare(
      `SELECT time, open, high, low, close, volume, trades FROM candles
        WHERE symbol = ? ORDER BY time DESC`,
    );
    this.#remove = database.prepare('DELETE FROM candles WHERE symbol = ?');
  }

  /** Takes the next trade. To be called in the transaction that stores it. */
  add({ symbol, time, price, quantity }: TradeUpdate): void {
    this.#add.run(symbol, startOf(time, minuteMs), price, price, price, price, quantity);
  }

  /** Forgets a market's candles. To be called in a transaction. */
  remove(symbol: string): void {
    this.#remove.run(symbol);
  }

  /** The latest candles of `minutes` minutes, newest first. An interval without a trade has none. */
  latest(symbol: string, minutes: number, limit: number): CandleRow[] {
    const candles: CandleRow[] = [];
    for (const row of this.#read.iterate(symbol) as Iterable<unknown> as Iterable<CandleRow>) {
      const time = startOf(row.time, minutes * minuteMs);
      const later = candles.at(-1);
      if (later?.time === time) candles[candles.length - 1] = join(time, row, later);
      else if (candles.length === limit) break;
      else candles.push({ ...row, time });
    }
    return candles;
  }
}

function startOf(time: number, lengthMs: number): number {
  return Math.floor(time / lengthMs) * lengthMs;
}

function join(time: number, earlier: CandleRow, later: CandleRow): CandleRow {
  return {
    time,
    open: earlier.open,
    high: Math.max(earlier.high, later.high),
    low: Math.min(earlier.low, later.low),
    close: later.close,
    volume: earlier.volume + later.volume,
    trades: earlier.trades + later.trades,
  };
}
