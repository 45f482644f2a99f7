/**
 * What the types of contracts promise, checked by the compiler and never run: each `@ts-expect-error` is a misuse
 * that must not compile.
 */
import { z } from 'zod';
import { type Equal, expectType } from '../testing/expect-type.types.ts';
import { contract, type DeclaredError } from './contract.ts';
import { event } from './event.ts';
import { failure, operation } from './operation.ts';
import { type InputOf, type OutputOf, type Schema, stream } from './schema.ts';

const Ledger = contract('ledger', {
  hold: operation({
    input: z.object({ account: z.string(), amount: z.string().default('0') }),
    output: z.object({ hold: z.string() }),
    errors: {
      insufficient_funds: z.object({ available: z.string() }),
      account_frozen: failure({
        status: 409,
        data: z.object({ since: z.string(), reason: z.enum(['risk', 'law']) }),
      }),
      busy: z.object({ hint: z.string().optional() }),
    },
    idempotent: true,
  }),
  balances: operation({
    input: z.object({ account: z.string(), asset: z.string().optional() }),
    output: z.array(z.object({ asset: z.string() })),
    http: 'GET /v1/accounts/{account}/balances',
    access: 'account:read',
  }),
  watch: operation({
    input: z.object({ account: z.string(), after: z.number().optional() }),
    output: stream(z.object({ sequence: z.number(), kind: z.string() })),
    http: {
      route: 'GET /v1/accounts/{account}/stream',
      query: ['after'],
      sse: { id: 'sequence', event: 'kind', resume: 'after' },
    },
  }),
  ping: operation(),
  posted: event({ payload: z.object({ account: z.string(), amount: z.string() }), key: 'account' }),
});

// Names and values.
expectType<Equal<InputOf<typeof Ledger.hold.input>, { account: string; amount?: string | undefined }>>();
expectType<Equal<OutputOf<typeof Ledger.hold.input>, { account: string; amount: string }>>();
expectType<Equal<OutputOf<typeof Ledger.posted.payload>, { account: string; amount: string }>>();
expectType<Equal<InputOf<typeof Ledger.ping.input>, Record<string, never>>>();
// @ts-expect-error the contract has no such member
Ledger.release;
// @ts-expect-error an event is not an operation
Ledger.posted.error('insufficient_funds');
// @ts-expect-error members cannot be replaced
Ledger.hold = Ledger.balances;

// Declared errors.
const thrown = Ledger.hold.error('insufficient_funds', { available: '5' });
expectType<Equal<typeof thrown.code, 'insufficient_funds'>>();
expectType<Equal<typeof thrown.data, { available: string }>>();
Ledger.hold.error('busy');
Ledger.hold.error('busy', { hint: 'later' }, 'try again later');
// @ts-expect-error undeclared code
Ledger.hold.error('account_closed', {});
// @ts-expect-error a platform code is not declared
Ledger.hold.error('not_found', {});
// @ts-expect-error the data is required
Ledger.hold.error('insufficient_funds');
// @ts-expect-error wrong type of data
Ledger.hold.error('insufficient_funds', { available: 5 });
// @ts-expect-error wrong value of data
Ledger.hold.error('account_frozen', { since: 'now', reason: 'mood' });
// @ts-expect-error the operation declares no errors
Ledger.ping.error('insufficient_funds', { available: '5' });

export function narrowing(caught: unknown): string {
  // @ts-expect-error nothing is known about a caught value
  caught.code;
  if (!Ledger.hold.isError(caught)) throw caught;
  switch (caught.code) {
    case 'insufficient_funds':
      expectType<Equal<typeof caught.data, { available: string }>>();
      // @ts-expect-error data of another code
      caught.data.reason;
      return caught.data.available;
    case 'account_frozen':
      return caught.data.reason satisfies 'risk' | 'law';
    case 'busy':
      return caught.data.hint ?? '';
    case 'invalid_argument':
      return caught.data.issues.map(({ path }) => path.join('.')).join();
    case 'unavailable':
      // @ts-expect-error the data of this code is not promised
      return caught.data.anything;
    // @ts-expect-error not a code of this operation
    case 'insufficient_fund':
      return '';
    default:
      return caught.message;
  }
}

expectType<
  Equal<DeclaredError<typeof Ledger.hold.errors>['code'], 'insufficient_funds' | 'account_frozen' | 'busy'>
>();

// Streams.
export async function consuming(output: (typeof Ledger.watch)['output']): Promise<void> {
  expectType<Equal<OutputOf<typeof output.item>, { sequence: number; kind: string }>>();
  // @ts-expect-error a stream is not a schema of one value
  output['~standard'];
}

// HTTP bindings.
const symbolInput = z.object({ symbol: z.string(), depth: z.coerce.number().optional() });
operation({ input: symbolInput, http: 'GET /v1/markets/{symbol}/book' });
operation({ input: symbolInput, http: { route: 'GET /v1/markets/{symbol}/book', query: ['depth'] } });
operation({
  input: symbolInput,
  http: { route: 'POST /v1/markets', headers: { symbol: 'x-symbol' }, body: 'depth' },
});
operation({ http: 'GET /v1/markets' });
// @ts-expect-error the path names a field that the input does not have
operation({ input: symbolInput, http: 'GET /v1/markets/{market}/book' });
// @ts-expect-error the second field of the path does not exist
operation({ input: symbolInput, http: 'GET /v1/markets/{symbol}/levels/{level}' });
// @ts-expect-error the same in a full binding
operation({ input: symbolInput, http: { route: 'GET /v1/markets/{market}/book' } });
// @ts-expect-error an operation without input has no field for the path
operation({ http: 'GET /v1/markets/{symbol}' });
// @ts-expect-error no such query field
operation({ input: symbolInput, http: { route: 'GET /v1/markets', query: ['level'] } });
// @ts-expect-error no such field to take from a header
operation({ input: symbolInput, http: { route: 'GET /v1/markets', headers: { level: 'x-level' } } });
// @ts-expect-error no such field to take the body
operation({ input: symbolInput, http: { route: 'POST /v1/markets', body: 'level' } });
// @ts-expect-error unknown method
operation({ http: 'FETCH /v1/markets' });
// @ts-expect-error a path begins with a slash
operation({ http: 'GET v1/markets' });
const items = stream(symbolInput);
// @ts-expect-error no such item field for the event's name
operation({ output: items, http: { route: 'GET /m', sse: { event: 'kind' } } });
// @ts-expect-error no such input field to resume from
operation({ input: symbolInput, output: items, http: { route: 'GET /m', sse: { resume: 'after' } } });
// @ts-expect-error only a stream has server-sent events
operation({ input: symbolInput, output: symbolInput, http: { route: 'GET /m', sse: { id: 'symbol' } } });

// A union has the fields of all its branches; an input of unknown type may have any field.
const either = z.union([z.object({ id: z.string() }), z.object({ key: z.string(), id: z.string() })]);
operation({ input: either, http: { route: 'GET /v1/things/{id}', query: ['key'] } });
declare const untyped: Schema;
operation({ input: untyped, http: { route: 'GET /v1/things/{id}', query: ['anything'] } });

// Keys and priorities.
operation({ input: symbolInput, key: 'symbol', priority: 'high' });
operation({
  input: symbolInput,
  key: 'depth',
  priority: 'background',
  http: 'GET /v1/markets/{symbol}/book',
});
operation({ input: either, key: 'key' });
operation({ input: untyped, key: 'anything' });
const keyed = contract('keyed', {
  op: operation({ input: symbolInput, output: symbolInput, key: 'symbol' }),
});
expectType<Equal<InputOf<typeof keyed.op.input>, InputOf<typeof symbolInput>>>();
// @ts-expect-error no such field to shard by
operation({ input: symbolInput, key: 'account' });
// @ts-expect-error nor in a contract
contract('keyed', { op: operation({ input: symbolInput, key: 'account' }) });
// @ts-expect-error an operation without input has no key
operation({ key: 'symbol' });
// @ts-expect-error no such priority; `health` is the platform's own
operation({ priority: 'health' });

// Access.
operation({ access: 'public' });
operation({ access: ['orders:read', 'orders:write'] });
// @ts-expect-error neither a kind of access nor a scope
operation({ access: 'everyone' });

// Events.
event({ payload: z.object({ account: z.string() }) });
// @ts-expect-error no such field to keep order by
event({ payload: z.object({ account: z.string() }), key: 'owner' });

// Contracts.
// @ts-expect-error a schema is not a member
contract('broken', { account: z.string() });
// @ts-expect-error an error needs a schema
operation({ errors: { broken: 'a text' } });
