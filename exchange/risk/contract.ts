/** The contract of `risk`: no order reaches the engine without it, and it says what an account can spend. */
import { ClientOrderId, Order, OrderId, OrderType, TimeInForce } from '@exchange/matching';
import { AccountId, Amount, Asset, Decimal, MarketSymbol, Side } from '@exchange/reference';
import { contract, failure, operation } from 'flotilla';
import { z } from 'zod';

export const Balance = z.object({ asset: Asset, available: Decimal, held: Decimal });
export type Balance = z.infer<typeof Balance>;

export const PlaceOrder = z.strictObject({
  /** Yours: the same one again is the same order, whatever happened in between. */
  clientOrderId: ClientOrderId,
  symbol: MarketSymbol,
  side: Side,
  type: OrderType,
  /** Limit orders only. */
  price: Decimal.optional(),
  quantity: Decimal,
  timeInForce: TimeInForce.default('gtc'),
});
export type PlaceOrder = z.infer<typeof PlaceOrder>;

export const Risk = contract(
  'risk',
  {
    place: operation({
      summary: 'Place an order',
      priority: 'high',
      input: PlaceOrder,
      output: Order,
      errors: {
        insufficient_funds: failure({
          data: z.object({ asset: Asset, required: Decimal, available: Decimal }),
          summary: 'The account cannot cover the order',
        }),
        market_not_open: failure({ data: z.object({ symbol: MarketSymbol, status: z.string() }) }),
        order_rejected: failure({ data: z.object({ id: OrderId, reason: z.string() }) }),
      },
      idempotent: true,
      access: 'orders:write',
      http: { route: 'POST /v1/orders', status: 201, replayStatus: 200 },
    }),
    balances: operation({
      summary: 'Balances of the account',
      output: z.array(Balance),
      idempotent: true,
      access: 'account:read',
      http: 'GET /v1/balances',
    }),
    fund: operation({
      summary: 'Credit an account, once per transfer; the ledger has booked it',
      input: z.object({ transfer: z.string().min(1).max(128), account: AccountId, amounts: z.array(Amount) }),
      output: z.array(Balance),
      idempotent: true,
    }),
    audit: operation({
      summary: 'What the auditor compares, at one sequence of the engine log',
      priority: 'background',
      output: z.object({
        sequence: z.int().nonnegative(),
        accounts: z.array(z.object({ account: AccountId, balances: z.array(Balance) })),
        holds: z.array(z.object({ orderId: OrderId, account: AccountId, asset: Asset, amount: Decimal })),
        /** Orders whose outcome at the engine is not known yet. */
        pending: z.array(OrderId),
      }),
      idempotent: true,
    }),
  },
  { summary: 'Pre-trade checks, available balances and holds' },
);
