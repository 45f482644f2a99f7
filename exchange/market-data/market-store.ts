/** Markets on disk: books, trades and candles. */
import type { Catalogue } from '@exchange/reference';
import type { Database } from 'flotilla';
import { Market } from './market.ts';
import type { LevelChange, MarketUpdate, Side, TradeUpdate } from './market-update.ts';

/** Trades kept per market. */
const keptTrades = 100_000;
const pruneEvery = 1_000;
export const minuteMs = 60_000;

/** Where the replay of the other venue is. */
export interface VenuePosition {
  readonly run: number;
  readonly sequence: number;
}

export interface CandleRow {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly trades: number;
}

export class MarketStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  get catalogue(): Catalogue | undefined {
    const row = this.#statements.catalogue.get();
    return row && (JSON.parse(String(row.document)) as Catalogue);
  }

  saveCatalogue(catalogue: Catalogue): Promise<unknown> {
    return this.#database.write(() => this.#statements.setCatalogue.run(JSON.stringify(catalogue)));
  }

  /** The last event of the other venue that is stored. */
  get venuePosition(): VenuePosition | undefined {
    const row = this.#statements.venue.get();
    return row && { run: Number(row.run), sequence: Number(row.sequence) };
  }

  /** To be called in the transaction that stores the event. */
  setVenuePosition({ run, sequence }: VenuePosition): void {
    this.#statements.setVenue.run(run, sequence);
  }

  /** All markets, as they were at their checkpoints. */
  load(): Market[] {
    return this.#statements.markets.all().map(({ symbol, sequence }) => {
      const levels = this.#statements.levels.all(String(symbol)) as unknown as LevelChange[];
      return new Market(String(symbol), Number(sequence), levels);
    });
  }

  /**
   * Stores updates, together with what `alongside` writes. Resolves once both are on disk.
   *
   * @param alongside runs first in the transaction: what it throws undoes everything.
   */
  save(updates: readonly MarketUpdate[], alongside?: () => void): Promise<void> {
    const { setMarket } = this.#statements;
    return this.#database.write(() => {
      alongside?.();
      for (const update of updates) {
        if (update.kind === 'book') this.#saveLevels(update.symbol, update.changes);
        else this.#saveTrade(update);
        setMarket.run(update.symbol, update.sequence);
      }
    });
  }

  /** Newest first. */
  trades(symbol: string, limit: number): TradeUpdate[] {
    return this.#statements.trades.all(symbol, limit).map((row) => ({
      kind: 'trade',
      symbol,
      sequence: Number(row.sequence),
      id: Number(row.id),
      price: Number(row.price),
      quantity: Number(row.quantity),
      side: row.side as Side,
      time: Number(row.time),
    }));
  }

  /** Candles of `minutes` minutes, newest first, folded from those of one minute. */
  candles(symbol: string, minutes: number, limit: number): CandleRow[] {
    const span = minutes * minuteMs;
    const newest = Number(this.#statements.newestCandle.get(symbol)?.time ?? 0);
    const since = Math.floor(newest / span) * span - (limit - 1) * span;
    const folded = new Map<number, CandleRow>();
    for (const row of this.#statements.candles.all(symbol, since) as unknown as CandleRow[]) {
      const time = Math.floor(row.time / span) * span;
      const earlier = folded.get(time);
      folded.set(time, earlier ? join(earlier, row) : { ...row, time });
    }
    return [...folded.values()].reverse();
  }

  #saveLevels(symbol: string, changes: readonly LevelChange[]): void {
    const { setLevel, removeLevel } = this.#statements;
    for (const { side, price, quantity } of changes) {
      if (quantity > 0) setLevel.run(symbol, side, price, quantity);
      else removeLevel.run(symbol, side, price);
    }
  }

  #saveTrade({ symbol, sequence, id, price, quantity, side, time }: TradeUpdate): void {
    const { addTrade, addToCandle, pruneTrades } = this.#statements;
    addTrade.run(symbol, sequence, id, price, quantity, side, time);
    addToCandle.run(symbol, Math.floor(time / minuteMs) * minuteMs, price, price, price, price, quantity);
    if (id % pruneEvery === 0) pruneTrades.run(symbol, symbol, keptTrades);
  }
}

function join(earlier: CandleRow, later: CandleRow): CandleRow {
  return {
    time: earlier.time,
    open: earlier.open,
    high: Math.max(earlier.high, later.high),
    low: Math.min(earlier.low, later.low),
    close: later.close,
    volume: earlier.volume + later.volume,
    trades: earlier.trades + later.trades,
  };
}

function prepare(database: Database) {
  return {
    catalogue: database.prepare('SELECT document FROM catalogue'),
    setCatalogue: database.prepare(
      'INSERT INTO catalogue VALUES (1, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
    ),
    venue: database.prepare('SELECT run, sequence FROM venue_position'),
    setVenue: database.prepare('INSERT OR REPLACE INTO venue_position VALUES (1, ?, ?)'),
    markets: database.prepare('SELECT symbol, sequence FROM markets ORDER BY symbol'),
    setMarket: database.prepare(
      'INSERT INTO markets VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence',
    ),
    levels: database.prepare('SELECT side, price, quantity FROM levels WHERE symbol = ?'),
    setLevel: database.prepare(
      'INSERT INTO levels VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET quantity = excluded.quantity',
    ),
    removeLevel: database.prepare('DELETE FROM levels WHERE symbol = ? AND side = ? AND price = ?'),
    trades: database.prepare(
      'SELECT sequence, id, price, quantity, side, time FROM trades WHERE symbol = ? ORDER BY sequence DESC LIMIT ?',
    ),
    addTrade: database.prepare('INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?)'),
    pruneTrades: database.prepare(
      `DELETE FROM trades WHERE symbol = ? AND sequence <=
         (SELECT sequence FROM trades WHERE symbol = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)`,
    ),
    newestCandle: database.prepare('SELECT max(time) AS time FROM candles WHERE symbol = ?'),
    candles: database.prepare(
      `SELECT time, open, high, low, close, volume, trades FROM candles
        WHERE symbol = ? AND time >= ? ORDER BY time`,
    ),
    addToCandle: database.prepare(
      `INSERT INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET
         high = max(high, excluded.high), low = min(low, excluded.low), close = excluded.close,
         volume = volume + excluded.volume, trades = trades + 1`,
    ),
  };
}
