/** The contract of `matching`: the books, and the log from which everybody else learns what happened. */
import { AccountId, Decimal, MarketSymbol, Side, Timestamp } from '@exchange/reference';
import { contract, event, failure, operation } from 'flotilla';
import { z } from 'zod';

export const OrderId = z.string().regex(/^[a-zA-Z0-9_-]{8,64}$/, 'must be an order id');
export const ClientOrderId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/, 'must be 1 to 64 of A-Z a-z 0-9 . _ : -');
export const OrderType = z.enum(['limit', 'market']);
export const TimeInForce = z.enum(['gtc', 'ioc']);
const Count = z.int().nonnegative();
/** Milliseconds since the epoch. */
const Millis = z.int().nonnegative();

/** An order on its way to the engine: integers only, already checked and paid for by `risk`. */
export const NewOrder = z.object({
  id: OrderId,
  clientOrderId: ClientOrderId,
  account: AccountId,
  symbol: MarketSymbol,
  side: Side,
  type: OrderType,
  /** Ticks; limit orders only. */
  price: z.int().positive().optional(),
  /** Ticks; the worst price at which a market order may trade. */
  protection: z.int().positive().optional(),
  /** Lots. */
  quantity: z.int().positive(),
  timeInForce: TimeInForce,
});
export type NewOrder = z.infer<typeof NewOrder>;

export const OrderStatus = z.enum(['open', 'partially_filled', 'filled', 'cancelled', 'rejected']);

/** An order as its owner sees it. quantity = filled + remaining + what was cancelled. */
export const Order = z.object({
  id: OrderId,
  clientOrderId: ClientOrderId,
  symbol: MarketSymbol,
  side: Side,
  type: OrderType,
  price: Decimal.nullable(),
  quantity: Decimal,
  timeInForce: TimeInForce,
  /** `partially_filled`: some is filled and the rest rests on the book. `cancelled` may have fills too. */
  status: OrderStatus,
  filled: Decimal,
  remaining: Decimal,
  /** Of the fills so far; null before the first. */
  averagePrice: Decimal.nullable(),
  createdAt: Timestamp,
});
export type Order = z.infer<typeof Order>;

const LevelChange = z.object({ side: Side, price: z.int(), quantity: Count });
const market = { symbol: MarketSymbol, time: Millis };
const orderOf = { orderId: OrderId, account: AccountId, symbol: MarketSymbol, side: Side, time: Millis };

/** The engine's events, in integers: ticks and lots. `sequence` of trades and books is gapless per symbol. */
export const EngineEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('listed'), ...market, status: z.string() }),
  z.object({ kind: z.literal('status'), ...market, status: z.string() }),
  z.object({ kind: z.literal('accepted'), order: NewOrder, time: Millis }),
  z.object({ kind: z.literal('rejected'), order: NewOrder, reason: z.string(), time: Millis }),
  z.object({
    kind: z.literal('filled'),
    ...orderOf,
    role: z.enum(['maker', 'taker']),
    tradeId: Count,
    price: Count,
    quantity: Count,
    remaining: Count,
  }),
  z.object({ kind: z.literal('cancelled'), ...orderOf, remaining: Count, reason: z.string() }),
  z.object({ kind: z.literal('abandoned'), orderId: OrderId, time: Millis }),
  z.object({
    kind: z.literal('trade'),
    ...market,
    sequence: Count,
    id: Count,
    price: Count,
    quantity: Count,
    aggressor: Side,
    makerOrderId: OrderId,
    makerAccount: AccountId,
    takerOrderId: OrderId,
    takerAccount: AccountId,
  }),
  z.object({ kind: z.literal('book'), ...market, sequence: Count, changes: z.array(LevelChange) }),
]);
export type EngineEvent = z.infer<typeof EngineEvent>;

/** What one command did. `sequence` is gapless from 1 over all symbols and across restarts. */
export const LogEntry = z.object({ sequence: Count, time: Millis, events: z.array(EngineEvent) });
export type LogEntry = z.infer<typeof LogEntry>;

/** An order in integers, as the engine keeps it. */
export const OrderState = z.object({
  ...NewOrder.omit({ protection: true }).shape,
  filled: Count,
  cancelled: Count,
  remaining: Count,
  /** Sum of price × quantity over the fills, in tick-lots. */
  value: Decimal,
  status: z.enum(['open', 'filled', 'cancelled', 'rejected']),
  time: Millis,
});
export type OrderState = z.infer<typeof OrderState>;

/** `sequence`: the log entry after which this answer holds. */
const Answer = z.object({ sequence: Count });

export const Matching = contract(
  'matching',
  {
    submit: operation({
      summary: 'Match an order; a known id has no second effect',
      priority: 'high',
      input: z.object({ order: NewOrder }),
      output: z.discriminatedUnion('kind', [
        Answer.extend({ kind: z.literal('accepted'), order: OrderState }),
        Answer.extend({ kind: z.literal('duplicate'), order: OrderState }),
        Answer.extend({ kind: z.literal('rejected'), order: OrderState, reason: z.string() }),
        Answer.extend({ kind: z.literal('abandoned') }),
      ]),
      idempotent: true,
    }),
    cancel: operation({
      summary: 'Cancel an order',
      priority: 'high',
      input: z.object({ id: OrderId }),
      output: Order,
      errors: {
        order_closed: failure({
          status: 409,
          data: z.object({ status: OrderStatus }),
          summary: 'The order is closed already',
        }),
      },
      idempotent: true,
      access: 'orders:write',
      http: 'DELETE /v1/orders/{id}',
    }),
    abandon: operation({
      summary: 'Settle an unknown outcome: afterwards the order is known, or never will be',
      input: z.object({ id: OrderId }),
      output: z.discriminatedUnion('kind', [
        Answer.extend({ kind: z.literal('known'), order: OrderState }),
        Answer.extend({ kind: z.literal('abandoned') }),
      ]),
      idempotent: true,
    }),
    order: operation({
      summary: 'One order, in integers',
      input: z.object({ id: OrderId }),
      output: OrderState.nullable(),
      idempotent: true,
    }),
    head: operation({ summary: 'The latest entry of the log', output: Answer, idempotent: true }),
    logged: event({ summary: 'What one command did: the next entry of the log', payload: LogEntry }),
    audit: operation({
      summary: 'What the auditor compares, all at one sequence',
      priority: 'background',
      output: Answer.extend({
        stateHash: z.string(),
        violations: z.array(z.string()),
        orders: z.array(OrderState),
        depth: z.array(
          z.object({
            symbol: MarketSymbol,
            sequence: Count,
            bids: z.array(z.tuple([Count, Count])),
            asks: z.array(z.tuple([Count, Count])),
          }),
        ),
      }),
      idempotent: true,
    }),
  },
  {
    summary: 'Order books with price-time priority',
    // One order over all symbols and accounts: so that books, balances and orders can be compared at one entry.
    partitions: 1,
  },
);
