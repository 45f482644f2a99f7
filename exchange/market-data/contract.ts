/** The contract of `market-data`: books, trades and candles for everybody. */
import { Decimal, MarketSymbol, Side, Timestamp } from '@exchange/reference';
import { contract, operation, stream } from 'flotilla';
import { z } from 'zod';

/** Price and quantity. In an increment, quantity "0" (in the market's decimals) removes the level. */
export const Level = z.tuple([Decimal, Decimal]);
/** Gapless per symbol, shared by book changes and trades. */
const Sequence = z.int().nonnegative();

export const Book = z.object({
  symbol: MarketSymbol,
  /** Of the latest event that the book contains. */
  sequence: Sequence,
  /** Best first. */
  bids: z.array(Level),
  asks: z.array(Level),
});
export type Book = z.infer<typeof Book>;

export const Trade = z.object({
  id: z.int().nonnegative(),
  sequence: Sequence,
  price: Decimal,
  quantity: Decimal,
  /** Side of the order that took liquidity. */
  side: Side,
  time: Timestamp,
});
export type Trade = z.infer<typeof Trade>;

export const Interval = z.enum(['1m', '5m', '15m', '1h', '1d']);
export const Candle = z.object({
  /** Start of the interval. */
  time: Timestamp,
  open: Decimal,
  high: Decimal,
  low: Decimal,
  close: Decimal,
  /** In base. */
  volume: Decimal,
  trades: z.int().positive(),
});
export type Candle = z.infer<typeof Candle>;

/** A stream starts with one snapshot; every later event has the next sequence. */
export const MarketEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), ...Book.shape }),
  z.object({ type: z.literal('book'), time: Timestamp, ...Book.shape }),
  z.object({ type: z.literal('trade'), symbol: MarketSymbol, ...Trade.shape }),
]);
export type MarketEvent = z.infer<typeof MarketEvent>;

export const MarketData = contract(
  'market-data',
  {
    book: operation({
      summary: 'Aggregated order book',
      key: 'symbol',
      input: z.object({ symbol: MarketSymbol, depth: z.int().min(1).max(1000).default(10) }),
      output: Book,
      idempotent: true,
      access: 'public',
      http: 'GET /v1/markets/{symbol}/book',
    }),
    trades: operation({
      summary: 'Latest trades, newest first',
      key: 'symbol',
      input: z.object({ symbol: MarketSymbol, limit: z.int().min(1).max(1000).default(50) }),
      output: z.array(Trade),
      idempotent: true,
      access: 'public',
      http: 'GET /v1/markets/{symbol}/trades',
    }),
    candles: operation({
      summary: 'Candles, newest first',
      key: 'symbol',
      input: z.object({
        symbol: MarketSymbol,
        interval: Interval.default('1m'),
        limit: z.int().min(1).max(1000).default(100),
      }),
      output: z.array(Candle),
      idempotent: true,
      access: 'public',
      http: 'GET /v1/markets/{symbol}/candles',
    }),
    stream: operation({
      summary: 'The book and the trades as they happen',
      key: 'symbol',
      input: z.object({
        symbol: MarketSymbol,
        /** Resume after this sequence, where it is recent enough: then without a snapshot. */
        after: z.int().nonnegative().optional(),
      }),
      output: stream(MarketEvent),
      access: 'public',
      http: {
        route: 'GET /v1/markets/{symbol}/stream',
        sse: { event: 'type', id: 'sequence', resume: 'after' },
      },
    }),
    audit: operation({
      summary: 'What the auditor compares, at one sequence of the engine log',
      priority: 'background',
      output: z.object({ sequence: z.int().nonnegative(), books: z.array(Book) }),
      idempotent: true,
    }),
  },
  { summary: 'Books, trades and candles' },
);
