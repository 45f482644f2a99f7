/** A contract with one operation for every way of mapping HTTP, for the gateway's tests. */
import { contract, describe, failure, operation, stream } from 'flotilla';
import { z } from 'zod';

const Order = z.object({
  symbol: z.string(),
  price: z.string().regex(/^\d+$/),
  tags: z.array(z.object({ name: z.string() })).optional(),
});

export const Shop = contract('shop', {
  ping: operation({ output: z.object({ ok: z.boolean() }), access: 'public', http: 'GET /v1/ping' }),
  book: operation({
    summary: 'The order book of a market',
    input: z.object({
      symbol: z.string(),
      depth: z.int().min(1).max(100).default(10),
      flat: z.boolean().optional(),
    }),
    output: z.object({ symbol: z.string(), depth: z.int() }),
    access: 'public',
    http: 'GET /v1/markets/{symbol}/book',
  }),
  list: operation({
    input: z.object({
      status: z.array(z.enum(['open', 'filled'])).optional(),
      limit: z.number().optional(),
      client: z.string().optional(),
    }),
    output: z.array(Order),
    http: { route: 'GET /v1/orders', headers: { client: 'X-Client-Name' } },
  }),
  place: operation({
    summary: 'Place an order',
    input: Order,
    output: z.object({ id: z.string() }),
    errors: {
      insufficient_funds: failure({
        status: 409,
        data: z.object({ available: z.string() }),
        summary: 'Not enough money',
      }),
      halted: z.object({}),
    },
    idempotent: true,
    access: 'order:write',
    http: { route: 'POST /v1/orders', status: 201, replayStatus: 200 },
  }),
  amend: operation({
    input: Order.extend({ id: z.string(), note: z.string().optional() }),
    output: z.object({ id: z.string() }),
    access: 'public',
    http: { route: 'PUT /v1/orders/{id}', query: ['note'] },
  }),
  annotate: operation({
    input: z.object({ id: z.string(), note: z.unknown() }),
    access: 'public',
    http: { route: 'PATCH /v1/orders/{id}/note', body: 'note' },
  }),
  cancel: operation({ input: z.object({ id: z.string() }), http: 'DELETE /v1/orders/{id}' }),
  reset: operation({ access: 'public', http: 'POST /v1/reset' }),
  admin: operation({ output: z.string(), access: 'admin:all', http: 'GET /admin' }),
  watch: operation({
    input: z.object({ symbol: z.string(), after: z.int().optional() }),
    output: stream(z.object({ kind: z.string(), sequence: z.int(), text: z.string().optional() })),
    access: 'public',
    http: {
      route: 'GET /v1/markets/{symbol}/stream',
      sse: { event: 'kind', id: 'sequence', resume: 'after' },
    },
  }),
  keys: operation({ output: z.object({ keys: z.array(z.unknown()) }), access: 'internal' }),
});

export const shop = describe(Shop);
