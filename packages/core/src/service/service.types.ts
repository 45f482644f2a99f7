/**
 * What the types of services promise, checked by the compiler and never run: each `@ts-expect-error` is a misuse that
 * must not compile.
 */
import { z } from 'zod';
import { contract } from '../contract/contract.ts';
import { event } from '../contract/event.ts';
import { operation } from '../contract/operation.ts';
import { stream } from '../contract/schema.ts';
import { type Equal, expectType } from '../testing/expect-type.types.ts';
import { service } from './service.ts';

const Stock = contract('stock', {
  reserve: operation({
    input: z.object({ item: z.string(), quantity: z.int().default(1) }),
    output: z.object({ left: z.int(), note: z.string().default('') }),
    errors: { sold_out: z.object({ item: z.string() }) },
  }),
});
const Shop = contract('shop', {
  order: operation({ input: z.object({ item: z.string() }), output: z.object({ id: z.string() }) }),
  forget: operation({ input: z.object({ id: z.string() }) }),
  watch: operation({ output: stream(z.object({ id: z.string() })) }),
  ordered: event({ payload: z.object({ id: z.string() }) }),
});

service(Stock, {
  config: z.object({ size: z.coerce.number().default(10) }),
  start: ({ config }) => ({ left: config.size }),
  operations: {
    reserve({ item, quantity }, { state, config, user, signal }) {
      expectType<Equal<typeof quantity, number>>();
      expectType<Equal<typeof state, { left: number }>>();
      expectType<Equal<typeof config, { size: number }>>();
      signal.throwIfAborted();
      if (state.left < quantity) throw Stock.reserve.error('sold_out', { item });
      // @ts-expect-error a call may come without an end user
      user.subject;
      return { left: state.left - quantity };
    },
  },
});

service(Shop, {
  uses: { Stock },
  operations: {
    async order({ item }, { clients }) {
      const { left, note } = await clients.Stock.reserve({ item });
      expectType<Equal<[typeof left, typeof note], [number, string]>>();
      // @ts-expect-error wrong input of the called operation
      await clients.Stock.reserve({ itme: item });
      // @ts-expect-error a service that is not used
      clients.Ledger;
      return { id: item };
    },
    forget() {},
    async *watch() {
      yield { id: 'a' };
    },
  },
});

service(Shop, {
  // @ts-expect-error an operation has no handler
  operations: {
    order: () => ({ id: 'a' }),
    forget() {},
  },
});

service(Stock, {
  operations: {
    // @ts-expect-error wrong type in the result
    reserve: () => ({ left: 'many' }),
  },
});

service(Stock, {
  operations: {
    // @ts-expect-error no result where there must be one
    reserve() {},
  },
});

service(Shop, {
  operations: {
    order: () => ({ id: 'a' }),
    forget() {},
    // @ts-expect-error one value where there must be a stream
    watch: () => ({ id: 'a' }),
  },
});

service(Stock, {
  operations: {
    reserve: () => ({ left: 1 }),
    // @ts-expect-error a handler without an operation
    release: () => ({ left: 1 }),
  },
});

service(Shop, {
  operations: {
    order: () => ({ id: 'a' }),
    forget() {},
    async *watch() {},
    // @ts-expect-error an event has no handler
    ordered() {},
  },
});
