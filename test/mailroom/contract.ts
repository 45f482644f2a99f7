/** A fleet for tests of the commands over the broker: orders are placed, and every order is confirmed by mail. */
import { contract, event, operation } from 'flotilla';
import { z } from 'zod';

const Order = z.object({ order: z.string(), customer: z.string() });

export const Orders = contract(
  'orders',
  {
    place: operation({ input: Order, output: z.object({ sequence: z.number() }), access: 'internal' }),
    placed: event({ payload: Order, key: 'customer' }),
  },
  { partitions: 4 },
);

export const Mail = contract('mail', {
  /** Orders that were confirmed, in the order in which that happened. */
  sent: operation({
    output: z.object({ orders: z.array(z.string()) }),
    idempotent: true,
    access: 'internal',
  }),
  /** From now on even a customer without an address gets mail. */
  mend: operation({ access: 'internal' }),
});
