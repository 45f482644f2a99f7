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

type Arguments<I extends Schema> =
  Record<string, never> extends InputOf<I>
    ? [input?: InputOf<I>, options?: CallOptions]
    : [input: InputOf<I>, options?: CallOptions];

type Method<I extends Schema, O extends Schema | StreamSchema, E extends Failures> =
  O extends StreamSchema<infer Item>
    ? (...args: Arguments<I>) => AsyncIterableIterator<OutputOf<Item>>
    : (...args: Arguments<I>) => Call<OutputOf<Extract<O, Schema>>, CallError<E>>;

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
    const id = `${name}.${operation}`;
    const method = isStream(member.output) ? streamMethod(name, id) : unaryMethod(name, id);
    Object.defineProperty(ContractClient.prototype, operation, { value: method });
  }
  return (caller, scope) => new ContractClient(caller, scope) as unknown as Client<C>;
}

export function createClient<C extends Contract>(contract: C, caller: Caller): Client<C> {
  return clientFactory(contract)(caller);
}

function unaryMethod(service: string, id: string) {
  return async function call(this: ScopedClient, input?: unknown, options?: CallOptions): Promise<unknown> {
    const result = await this.caller.call(service, id, encode(input), inherit(options, this.scope));
    return decode(result.payload, id);
  };
}

function streamMethod(service: string, id: string) {
  return function open(
    this: ScopedClient,
    input?: unknown,
    options?: CallOptions,
  ): AsyncIterableIterator<unknown> {
    const items = this.caller.stream(service, id, encode(input), inherit(options, this.scope));
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
function inherit(options: CallOptions | undefined, scope: CallScope | undefined): CallOptions {
  if (!scope) return options ?? {};
  const remaining = scope.remainingMs();
  const deadlineMs =
    remaining === undefined ? options?.deadlineMs : Math.min(remaining, options?.deadlineMs ?? remaining);
  return {
    ...options,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    signal: options?.signal ? AbortSignal.any([options.signal, scope.signal]) : scope.signal,
    ...(options?.user || !scope.user ? {} : { user: scope.user }),
    ...(options?.trace || !scope.trace ? {} : { trace: scope.trace }),
  };
}
