/** A fleet of two services for tests of what survives: a shop that needs its stock for some things, and not for others. */
import { contract, operation } from 'flotilla';
import { z } from 'zod';

export const Stock = contract('stock', {
  count: operation({ output: z.object({ instance: z.string() }), idempotent: true }),
  take: operation({ output: z.object({ instance: z.string() }) }),
  /** Answers with the budget that has arrived, in milliseconds. */
  budget: operation({ output: z.object({ remainingMs: z.number() }), idempotent: true }),
  /** Never answers. */
  ponder: operation({}),
  /** How many ponderings have begun, and how many were given up by those who asked for them. */
  thoughts: operation({ output: z.object({ begun: z.number(), abandoned: z.number() }), idempotent: true }),
});

export const Shop = contract('shop', {
  browse: operation({
    output: z.object({ instance: z.string() }),
    idempotent: true,
    http: 'GET /browse',
    access: 'public',
  }),
  buy: operation({ output: z.object({ instance: z.string() }), http: 'POST /buy', access: 'public' }),
  /** Needs no stock. */
  menu: operation({
    output: z.object({ items: z.number() }),
    idempotent: true,
    http: 'GET /menu',
    access: 'public',
  }),
  budget: operation({
    output: z.object({ mineMs: z.number(), stockMs: z.number() }),
    idempotent: true,
    http: 'GET /budget',
    access: 'public',
  }),
  ponder: operation({ http: 'POST /ponder', access: 'public' }),
});
