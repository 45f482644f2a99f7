/**
 * What the types of subscriptions promise, checked by the compiler and never run: each `@ts-expect-error` is a misuse that must
 * not compile.
 */
import { z } from 'zod';
import { contract } from '../contract/contract.ts';
import { event } from '../contract/event.ts';
import { operation } from '../contract/operation.ts';
import type { ServiceRuntime } from '../service/context.ts';
import { listen, service, subscribe, work } from '../service/service.ts';
import { type Equal, expectType } from '../testing/expect-type.types.ts';

const Stock = contract('stock', {
  reserve: operation({ input: z.object({ item: z.string() }), output: z.object({ left: z.int() }) }),
  sold: event({ payload: z.object({ item: z.string(), n: z.int().default(1) }), key: 'item' }),
  bought: event({ payload: z.object({ from: z.string() }) }),
});
const Shop = contract('shop', {});

service(Shop, {
  config: z.object({ size: z.coerce.number() }),
  uses: { Stock },
  start: ({ config }) => ({ left: config.size }),
  operations: {},
  subscriptions: ({ subscribe, work, listen }) => [
    subscribe(Stock.sold, { group: 'shop' }, async (sold, context) => {
      expectType<Equal<typeof sold, { item: string; n: number }>>();
      expectType<Equal<typeof context.state, { left: number }>>();
      expectType<Equal<typeof context.config, { size: number }>>();
      expectType<Equal<typeof context.message.key, string | undefined>>();
      await context.clients.Stock.reserve({ item: sold.item });
      const { sequence } = await context.publish(Stock.bought, { from: 'shop' }, { delay: '5s' });
      expectType<Equal<typeof sequence, number>>();
      const left = await context.transaction((tx) => tx.publish(Stock.sold, { item: 'a' }).length);
      expectType<Equal<typeof left, number>>();
      // @ts-expect-error a service that is not used
      context.clients.Ledger;
      // @ts-expect-error a payload of another event
      await context.publish(Stock.bought, sold);
      // @ts-expect-error no time
      await context.publish(Stock.bought, { from: 'shop' }, { delay: 'soon' });
    }),
    subscribe(
      Stock,
      { group: 'rows', transaction: true },
      {
        sold({ n }, tx) {
          expectType<Equal<typeof n, number>>();
          expectType<Equal<typeof tx.state, { left: number }>>();
          tx.publish(Stock.bought, { from: 'rows' });
          // @ts-expect-error nothing can be waited for in a transaction
          tx.clients;
        },
        bought({ from }) {
          expectType<Equal<typeof from, string>>();
        },
        // @ts-expect-error not an event of the contract
        lost() {},
      },
    ),
    // @ts-expect-error a handler in a transaction must be synchronous
    subscribe(Stock.sold, { group: 'late', transaction: true }, async () => {}),
    work(Stock.bought, { group: 'buyers', concurrency: 8 }, ({ from }) => from),
    listen(Stock.sold, {}, ({ item }) => item),
    // @ts-expect-error only listeners may do without a group
    work(Stock.bought, {}, () => {}),
    // @ts-expect-error an operation is no event
    subscribe(Stock.reserve, { group: 'shop' }, () => {}),
  ],
});

service(Shop, {
  operations: {},
  subscriptions: [
    subscribe(Stock.sold, { group: 'a' }, ({ item }, { message, state }) => {
      expectType<Equal<typeof state, unknown>>();
      return `${item} ${message.id}`;
    }),
    work(Stock.sold, { group: 'b' }, () => {}),
    listen(Stock.sold, { group: 'c' }, () => {}),
  ],
});

export async function speak(runtime: ServiceRuntime<unknown, { Stock: typeof Stock }>): Promise<void> {
  await runtime.publish(Stock.sold, { item: 'a' });
  // @ts-expect-error a field is missing
  await runtime.publish(Stock.sold, {});
  runtime.emit(Stock.sold, { item: 'a', n: 2 });
  // @ts-expect-error a wrong type
  runtime.emit(Stock.sold, { item: 1 });
  await runtime.progress('rows', Stock).caughtUp();
}
