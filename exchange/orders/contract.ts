/** The contract of `orders`: what became of an account's orders. */
import { Order, OrderId } from '@exchange/matching';
import { MarketSymbol } from '@exchange/reference';
import { contract, operation } from 'flotilla';
import { z } from 'zod';

export const Orders = contract(
  'orders',
  {
    get: operation({
      summary: 'One order',
      input: z.object({ id: OrderId }),
      output: Order,
      idempotent: true,
      access: 'orders:read',
      http: 'GET /v1/orders/{id}',
    }),
    list: operation({
      summary: 'Orders of the account, newest first',
      input: z.object({
        /** `open` includes partially filled ones; `closed` is everything else. */
        status: z.enum(['open', 'closed', 'all']).default('all'),
        symbol: MarketSymbol.optional(),
        limit: z.int().min(1).max(500).default(100),
      }),
      output: z.array(Order),
      idempotent: true,
      access: 'orders:read',
      http: 'GET /v1/orders',
    }),
    audit: operation({
      summary: 'What the auditor compares, at one sequence of the engine log',
      priority: 'background',
      output: z.object({
        sequence: z.int().nonnegative(),
        open: z.array(OrderId),
        total: z.int().nonnegative(),
      }),
      idempotent: true,
    }),
  },
  { summary: 'Order history and status' },
);
