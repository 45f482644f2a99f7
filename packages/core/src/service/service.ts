/** A service: a contract and the code that fulfils it. */

import { type Contract, contractInfo, isContract } from '../contract/contract.ts';
import type { Operation } from '../contract/operation.ts';
import type { InputOf, OutputOf, Schema, StreamSchema } from '../contract/schema.ts';
import { platformError } from '../errors/flotilla-error.ts';
import type { Duration } from '../messaging/duration.ts';
import { makeSubscriber, type Subscriber, type Subscription } from '../messaging/subscription.ts';
import type { PolicyRules } from '../resilience/policy-rules.ts';
import type { Context, ServiceRuntime, Uses } from './context.ts';
import type { MessageContext, TransactionContext } from './message-context.ts';

type Result<O extends Schema | StreamSchema> =
  O extends StreamSchema<infer Item>
    ? AsyncIterable<InputOf<Item>>
    : InputOf<Extract<O, Schema>> | Promise<InputOf<Extract<O, Schema>>> | NoOutput<O>;
/** A handler of an operation without output may return nothing. */
type NoOutput<O> = O extends Schema ? (null extends InputOf<O> ? void | Promise<void> : never) : never;

type HandlerInput<Op> = Op extends Operation<infer I> ? OutputOf<I> : never;
type HandlerResult<Op> = Op extends Operation<infer _I, infer O> ? Result<O> : never;

/**
 * One handler for every operation of the contract. Each is a function type at once, not a conditional one, so that the
 * context is typed by what `start` returned.
 */
export type Handlers<C extends Contract, Ctx> = {
  readonly [K in keyof C as C[K] extends Operation ? K : never]: (
    input: HandlerInput<C[K]>,
    context: Ctx,
  ) => HandlerResult<C[K]>;
};

/** Where no service gives the contexts their types: what a subscription is made with outside of one. */
export const { subscribe, work, listen } = makeSubscriber<MessageContext, TransactionContext>();

type ServiceSubscription<Config, U extends Uses, State> = Subscription<
  MessageContext<Config, U, State>,
  TransactionContext<Config, State>
>;

export interface ServiceSpec<C extends Contract, Config extends Schema, U extends Uses, State> {
  /** Version of this implementation; default `0.0.0`. */
  readonly version?: string;
  /** Schema of the configuration, read from the environment at boot. */
  readonly config?: Config;
  /** Contracts of the services this one calls; each becomes a typed client. */
  readonly uses?: U;
  /** How its calls to others are made, where the defaults do not fit: policies by service or operation, see `docs/resilience.md`. */
  readonly policies?: PolicyRules;
  /** The service's own database, in its own directory. */
  readonly database?: {
    /** Directory of `001-name.sql` files. */
    readonly migrations: URL;
  };
  /** Prepares the service before it takes calls. What it returns is `context.state` in the handlers. */
  readonly start?: (runtime: ServiceRuntime<OutputOf<Config>, U>) => State | Promise<State>;
  /** A stream's item that many callers get may be frozen (`Object.freeze`): it is then validated and encoded once. */
  readonly operations: Handlers<C, Context<OutputOf<Config>, U, State>>;
  /**
   * The messages that it hears: a list of what `subscribe`, `work` and `listen` make, or a function that gets these with contexts
   * typed by `config`, `uses` and what `start` returned.
   */
  readonly subscriptions?:
    | readonly ServiceSubscription<OutputOf<Config>, U, State>[]
    | ((
        on: Subscriber<
          MessageContext<OutputOf<Config>, U, State>,
          TransactionContext<OutputOf<Config>, State>
        >,
      ) => readonly ServiceSubscription<OutputOf<Config>, U, State>[]);
  /** How long the service's own events are kept. */
  readonly events?: {
    /** Default seven days. */
    readonly keep?: Duration | 'forever';
    /** The oldest events go when there are more bytes than this. Default: no limit. */
    readonly maxBytes?: number;
  };
  /** Undoes `start` after the last call has finished. */
  readonly stop?: (state: State) => void | Promise<void>;
}

export interface Service {
  readonly kind: 'service';
  readonly contract: Contract;
  readonly spec: ServiceSpec<Contract, Schema, Uses, unknown>;
}

/**
 * Makes a service. The module's default export is what `flotilla up` runs.
 *
 * @throws FlotillaError when an operation of the contract has no handler, or a handler no operation.
 */
export function service<
  C extends Contract,
  Config extends Schema = Schema<Record<string, never>>,
  U extends Uses = Record<never, never>,
  State = undefined,
>(contract: C, spec: ServiceSpec<C, Config, U, State>): Service {
  if (!isContract(contract)) {
    throw platformError(
      'invalid_argument',
      'service(contract, …): the first argument must come from contract(…)',
    );
  }
  const { name, members } = contractInfo(contract);
  const operations = Object.entries(members).flatMap(([key, { kind }]) =>
    kind === 'operation' ? [key] : [],
  );
  const missing = operations.filter(
    (key) => typeof (spec.operations as Record<string, unknown>)[key] !== 'function',
  );
  const unknown = Object.keys(spec.operations).filter((key) => !operations.includes(key));
  if (missing.length || unknown.length) {
    const problems = [
      ...missing.map((key) => `operation '${key}' has no handler`),
      ...unknown.map((key) => `handler '${key}' has no operation in the contract`),
    ];
    throw platformError('invalid_argument', `service ${name}: ${problems.join('; ')}`);
  }
  return { kind: 'service', contract, spec: spec as unknown as Service['spec'] };
}

export function isService(value: unknown): value is Service {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'service';
}
