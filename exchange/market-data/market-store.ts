/**
 * Markets on disk: books and trades. An update is stored only as the successor of the one before it, so that a source
 * with a gap or a repetition changes nothing.
 */
import { type Database, platformError } from 'flotilla';
import { CandleStore } from './candle-store.ts';
import { Market } from './market.ts';
import type { LevelChange, MarketUpdate, Side, TradeUpdate } from './market-update.ts';

export interface MarketStoreOptions {
  /** Trades kept per market. Default 100 000. */
  readonly keptTrades?: number;
  /** How many more may be there before the oldest are deleted. Default 1000. */
  readonly slack?: number;
}

export class MarketStore {
  readonly candles: CandleStore;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #keptTrades: number;
  readonly #slack: number;
  /** Trades since the last pruning, by symbol. */
  readonly #unpruned = new Map<string, number>();

  constructor(database: Database, { keptTrades = 100_000, slack = 1_000 }: MarketStoreOptions = {}) {
    this.#statements = prepare(database);
    this.#keptTrades = keptTrades;
    this.#slack = slack;
    this.candles = new CandleStore(database);
  }

  /** All markets, as they were at their checkpoints. */
  load(): Market[] {
    return this.#statements.markets.all().map(({ symbol, sequence }) => {
      return new Market(String(symbol), Number(sequence), this.#levels(String(symbol)));
    });
  }

  /**
   * Stores updates. Inside a transaction.
   *
   * @throws FlotillaError when an update does not follow the one before it: the transaction must be undone.
   */
  write(updates: readonly MarketUpdate[]): void {
    for (const update of updates) {
      this.#advance(update);
      if (update.kind === 'book') this.#saveLevels(update.symbol, update.changes);
      else this.#saveTrade(update);
    }
  }

  /** A market as it is stored, also by the transaction under way. */
  stored(symbol: string): { readonly sequence: number; readonly levels: () => LevelChange[] } {
    return {
      sequence: Number(this.#statements.market.get(symbol)?.sequence ?? 0),
      levels: () => this.#levels(symbol),
    };
  }

  /** Forgets the trades and candles of a market, not its book. To be called in a transaction. */
  forgetPast(symbol: string): void {
    this.#statements.removeTrades.run(symbol);
    this.candles.remove(symbol);
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

  #levels(symbol: string): LevelChange[] {
    return this.#statements.levels.all(symbol) as unknown as LevelChange[];
  }

  #advance({ symbol, sequence }: MarketUpdate): void {
    const { advanceMarket, addMarket } = this.#statements;
    if (advanceMarket.run(sequence, symbol, sequence - 1).changes === 1) return;
    const stored = this.stored(symbol).sequence;
    if (stored !== 0 || sequence !== 1) {
      throw platformError('internal', `${symbol}: update ${sequence} does not follow the stored ${stored}`);
    }
    addMarket.run(symbol, sequence);
  }

  #saveLevels(symbol: string, changes: readonly LevelChange[]): void {
    const { setLevel, removeLevel } = this.#statements;
    for (const { side, price, quantity } of changes) {
      if (quantity > 0) setLevel.run(symbol, side, price, quantity);
      else removeLevel.run(symbol, side, price);
    }
  }

  #saveTrade(trade: TradeUpdate): void {
    const { symbol, sequence, id, price, quantity, side, time } = trade;
    this.#statements.addTrade.run(symbol, sequence, id, price, quantity, side, time);
    this.candles.add(trade);
    const unpruned = (this.#unpruned.get(symbol) ?? 0) + 1;
    this.#unpruned.set(symbol, unpruned % this.#slack);
    if (unpruned === this.#slack) this.#statements.pruneTrades.run(symbol, symbol, this.#keptTrades);
  }
}

function prepare(database: Database) {
  return {
    markets: database.prepare('SELECT symbol, sequence FROM markets ORDER BY symbol'),
    market: database.prepare('SELECT sequence FROM markets WHERE symbol = ?'),
    addMarket: database.prepare('INSERT INTO markets VALUES (?, ?)'),
    advanceMarket: database.prepare('UPDATE markets SET sequence = ? WHERE symbol = ? AND sequence = ?'),
    levels: database.prepare('SELECT side, price, quantity FROM levels WHERE symbol = ?'),
    setLevel: database.prepare(
      'INSERT INTO levels VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET quantity = excluded.quantity',
    ),
    removeLevel: database.prepare('DELETE FROM levels WHERE symbol = ? AND side = ? AND price = ?'),
    trades: database.prepare(
      'SELECT sequence, id, price, quantity, side, time FROM trades WHERE symbol = ? ORDER BY sequence DESC LIMIT ?',
    ),
    addTrade: database.prepare('INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?)'),
    removeTrades: database.prepare('DELETE FROM trades WHERE symbol = ?'),
    pruneTrades: database.prepare(
      `DELETE FROM trades WHERE symbol = ? AND sequence <=
         (SELECT sequence FROM trades WHERE symbol = ? ORDER BY sequence DESC LIMIT 1 OFFSET ?)`,
    ),
  };
}
