/**
 * What the types of clients promise, checked by the compiler and never run: each `@ts-expect-error` is a misuse that
 * must not compile.
 */
import { z } from 'zod';
import { contract } from '../contract/contract.ts';
import { event } from '../contract/event.ts';
import { failure, operation } from '../contract/operation.ts';
import { stream } from '../contract/schema.ts';
import { type Equal, expectType } from '../testing/expect-type.types.ts';
import { attempt, type Caller, createClient } from './client.ts';

const Ledger = contract('ledger', {
  hold: operation({
    input: z.object({ account: z.string(), amount: z.string().default('0') }),
    output: z.object({ hold: z.string(), note: z.string().default('') }),
    errors: {
      insufficient_funds: z.object({ available: z.string() }),
      account_frozen: failure({ status: 409, data: z.object({ reason: z.enum(['risk', 'law']) }) }),
    },
  }),
  assets: operation({ input: z.object({ prefix: z.string().optional() }), output: z.array(z.string()) }),
  ping: operation(),
  watch: operation({
    input: z.object({ account: z.string() }),
    output: stream(z.object({ sequence: z.number() })),
  }),
  posted: event({ payload: z.object({ account: z.string() }) }),
});

declare const caller: Caller;
const ledger = createClient(Ledger, caller);

export async function calling(signal: AbortSignal): Promise<void> {
  const held = await ledger.hold({ account: 'a' }, { deadlineMs: 100, signal });
  expectType<Equal<typeof held, { hold: string; note: string }>>();
  const assets = await ledger.assets();
  expectType<Equal<typeof assets, string[]>>();
  expectType<Equal<Awaited<ReturnType<typeof ledger.ping>>, null>>();
  await ledger.ping();

  // @ts-expect-error the input is required
  await ledger.hold();
  // @ts-expect-error a field is missing
  await ledger.hold({ amount: '5' });
  // @ts-expect-error a field of the wrong type
  await ledger.hold({ account: 'a', amount: 5 });
  // @ts-expect-error a field that the operation does not know
  await ledger.hold({ account: 'a', amuont: '5' });
  // @ts-expect-error the operation takes no input
  await ledger.ping({ account: 'a' });
  // @ts-expect-error no such operation
  await ledger.release({ account: 'a' });
  // @ts-expect-error an event cannot be called
  await ledger.posted({ account: 'a' });
  // @ts-expect-error no such option
  await ledger.ping({}, { timeout: 5 });
  // @ts-expect-error the output has no such field
  held.amount;
  // @ts-expect-error a call is a promise of the output, not the output
  ledger.hold({ account: 'a' }).hold;
  // @ts-expect-error operations cannot be replaced
  ledger.ping = async () => null;
}

export async function narrowing(): Promise<string> {
  const result = await attempt(ledger.hold({ account: 'a' }));
  // @ts-expect-error nobody has looked whether there is a value
  result.value;
  if (result.ok) return result.value.hold;
  const { error } = result;
  switch (error.code) {
    case 'insufficient_funds':
      expectType<Equal<typeof error.data, { available: string }>>();
      // @ts-expect-error data of another code
      error.data.reason;
      return error.data.available;
    case 'account_frozen':
      return error.data.reason satisfies 'risk' | 'law';
    case 'invalid_argument':
      return error.data.issues[0]?.message ?? '';
    case 'unavailable':
      return error.message;
    // @ts-expect-error not a code of this operation
    case 'account_closed':
      return '';
    default:
      // @ts-expect-error what is left has no declared data
      error.data.available;
      return error.code;
  }
}

export async function streaming(): Promise<void> {
  const items = ledger.watch({ account: 'a' });
  for await (const item of items) {
    expectType<Equal<typeof item, { sequence: number }>>();
    // @ts-expect-error the items have no such field
    item.kind;
  }
  // @ts-expect-error a stream is not a value: it has no fields of its item
  items.sequence;
  // @ts-expect-error nor does waiting for it give one
  (await items).sequence;
  // @ts-expect-error nor can it be attempted like a call
  await attempt(items);
  // @ts-expect-error a value is not a stream
  for await (const _ of ledger.hold({ account: 'a' })) break;
  // @ts-expect-error the input is required
  ledger.watch();
}
