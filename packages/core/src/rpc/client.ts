/** Typed clients: a contract and something that carries calls make an object with one method per operation. */
import type { CallError, Contract } from '../contract/contract.ts';
import { contractInfo } from '../contract/contract.ts';
import type { Failures, Operation } from '../contract/operation.ts';
import type { InputOf, OutputOf, Schema, StreamSchema } from '../contract/schema.ts';
import { isStream } from '../contract/schema.ts';
import { FlotillaError, toFlotillaError } from '../errors/flotilla-error.ts';
import type { TraceContext } from '../telemetry/trace-context.ts';
import type { CallOptions, CallResult } from './channel.ts';

/** Carries calls to some instance of a service: a fleet member, or an in-memory pair in tests. */
export interface Caller {
  call(service: string, operation: string, payload: Uint8Array, options: CallOptions): Promise<CallResult>;
  stream(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer>;
  /** A client of this contract calls through here: instances that break it need not be tried. */
  expect?(contract: Contract): void;
}

/** What a caller may say about one call that answers with a `T`. */
export interface ClientCallOptions<T> extends CallOptions {
  /**
   * Gives the answer when the call has failed for good: a default, a cached value. Not asked for errors that the operation
   * declares, which are answers. What it throws is the call's error.
   */
  readonly fallback?: (error: FlotillaError) => T | Promise<T>;
}

/** What the calls made while handling another call inherit from it. */
export interface CallScope {
  remainingMs(): number | undefined;
  readonly signal: AbortSignal;
  readonly user: CallOptions['user'];
  /** The span of the call being handled: parent of those of the calls it makes. */
  readonly trace: TraceContext | undefined;
}

/** A call in flight. It rejects with the errors of type `E`; {@link attempt} turns them into a typed result. */
export type Call<T, E extends FlotillaError> = Promise<T> & { readonly [failureType]?: E };
declare const failureType: unique symbol;

export type Attempt<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/**
 * Waits for a call and gives its outcome as a value, so that `error.code` narrows to the operation's errors:
 *
 * ```ts
 * const held = await attempt(clients.Ledger.hold(input));
 * if (!held.ok && held.error.code === 'insufficient_funds') return held.error.data.available;
 * ```
 */
export async function attempt<T, E extends FlotillaError>(call: Call<T, E>): Promise<Attempt<T, E>> {
  try {
    return { ok: true, value: await call };
  } catch (error) {
    return { ok: false, error: toFlotillaError(error) as E };
  }
}

type Arguments<I extends Schema, Options> =
  Record<string, never> extends InputOf<I>
    ? [input?: InputOf<I>, options?: Options]
    : [input: InputOf<I>, options?: Options];

type Method<I extends Schema, O extends Schema | StreamSchema, E extends Failures> =
  O extends StreamSchema<infer Item>
    ? (...args: Arguments<I, CallOptions>) => AsyncIterableIterator<OutputOf<Item>>
    : (
        ...args: Arguments<I, ClientCallOptions<OutputOf<Extract<O, Schema>>>>
      ) => Call<OutputOf<Extract<O, Schema>>, CallError<E>>;

/** The operations of a contract as methods. */
export type Client<C extends Contract> = {
  readonly [K in keyof C as C[K] extends Operation ? K : never]: C[K] extends Operation<
    infer I,
    infer O,
    infer E
  >
    ? Method<I, O, E>
    : never;
};

const emptyInput = Buffer.from('{}');

/** One instance per handled call: the methods are on a prototype shared by all clients of the contract. */
class ScopedClient {
  readonly caller: Caller;
  readonly scope: CallScope | undefined;
  constructor(caller: Caller, scope: CallScope | undefined) {
    this.caller = caller;
    this.scope = scope;
  }
}

/** Prepares the clients of a contract, so that making one for a single call costs one small object. */
export function clientFactory<C extends Contract>(
  contract: C,
): (caller: Caller, scope?: CallScope) => Client<C> {
  const { name, members } = contractInfo(contract);
  class ContractClient extends ScopedClient {}
  for (const [operation, member] of Object.entries(members)) {
    if (member.kind !== 'operation') continue;
    const facts = factsOf(name, operation, member);
    const method = isStream(member.output) ? streamMethod(facts) : unaryMethod(facts);
    Object.defineProperty(ContractClient.prototype, operation, { value: method });
  }
  return (caller, scope) => new ContractClient(caller, scope) as unknown as Client<C>;
}

export function createClient<C extends Contract>(contract: C, caller: Caller): Client<C> {
  caller.expect?.(contract);
  return clientFactory(contract)(caller);
}

/** What the path of a call has to know of its operation. */
interface OperationFacts {
  readonly service: string;
  /** As on the wire. */
  readonly id: string;
  readonly idempotent: boolean;
  /** The field of the input that shards the operation. */
  readonly key: string | undefined;
}

function factsOf(service: string, name: string, { spec }: Operation): OperationFacts {
  return { service, id: `${service}.${name}`, idempotent: spec.idempotent ?? false, key: spec.key };
}

function unaryMethod(facts: OperationFacts) {
  const { service, id } = facts;
  return async function call(
    this: ScopedClient,
    input?: unknown,
    options?: ClientCallOptions<unknown>,
  ): Promise<unknown> {
    try {
      const given = inherit(facts, input, options, this.scope);
      const { payload } = await this.caller.call(service, id, encode(input), given);
      return decode(payload, id);
    } catch (thrown) {
      const error = toFlotillaError(thrown);
      if (options?.fallback === undefined || error.declared) throw thrown;
      return options.fallback(error);
    }
  };
}

function streamMethod(facts: OperationFacts) {
  const { service, id } = facts;
  return function open(
    this: ScopedClient,
    input?: unknown,
    options?: CallOptions,
  ): AsyncIterableIterator<unknown> {
    const items = this.caller.stream(service, id, encode(input), inherit(facts, input, options, this.scope));
    return {
      async next() {
        const { done, value } = await items.next();
        return done ? { done, value: undefined } : { done: false, value: decode(value, id) };
      },
      async return() {
        await items.return?.();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
}

function encode(input: unknown): Uint8Array {
  return input === undefined ? emptyInput : Buffer.from(JSON.stringify(input));
}

function decode(payload: Buffer, id: string): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new FlotillaError('internal', `${id} answered with something that is not JSON`, { cause });
  }
}

/** What the caller says wins; the deadline is the earlier of the two, and either signal cancels. */
function inherit(
  { idempotent, key }: OperationFacts,
  input: unknown,
  options: CallOptions | undefined,
  scope: CallScope | undefined,
): CallOptions {
  const routingKey = key === undefined ? undefined : String((input as Record<string, unknown>)[key]);
  const remaining = scope?.remainingMs();
  const given = options?.deadlineMs;
  return {
    deadlineMs: remaining === undefined ? given : Math.min(remaining, given ?? remaining),
    signal: eitherSignal(options?.signal, scope?.signal),
    user: options?.user ?? scope?.user,
    trace: options?.trace ?? scope?.trace,
    idempotencyKey: options?.idempotencyKey,
    idempotent: options?.idempotent ?? idempotent,
    routingKey: options?.routingKey ?? routingKey,
  };
}

function eitherSignal(own: AbortSignal | undefined, scope: AbortSignal | undefined): AbortSignal | undefined {
  return own && scope ? AbortSignal.any([own, scope]) : (own ?? scope);
}
