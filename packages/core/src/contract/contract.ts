/**
 * A contract: the one value that a service and its callers share. It types the callers, validates the wire, and
 * describes itself as JSON for the gateway and the registry.
 *
 * ```ts
 * export const Greeter = contract('greeter', {
 *   greet: operation({ input: z.object({ name: z.string() }), output: z.object({ text: z.string() }) }),
 * });
 * ```
 */
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';
import { isPlatformCode, type PlatformCode } from '../errors/platform-codes.ts';
import type { ValidationData } from '../errors/validation.ts';
import { describeMembers } from './describe.ts';
import type { ContractDocument } from './document.ts';
import type { Event } from './event.ts';
import type { Member, Members } from './member.ts';
import type { FailureData, Failures, Operation } from './operation.ts';
import type { InputOf, OutputOf, Schema, StreamSchema } from './schema.ts';

const info: unique symbol = Symbol('flotilla.contract');

/** In how many partitions the events of a service lie, where its contract says nothing. */
export const defaultPartitions = 16;

export interface ContractOptions {
  readonly summary?: string;
  /**
   * In how many partitions the events lie: so many members of a group can share them. Fixed when the first event is
   * published. Default 16; 1 keeps all events in one order.
   */
  readonly partitions?: number;
}

export interface ContractInfo<M extends Members = Members> {
  readonly name: string;
  readonly members: M;
  readonly document: ContractDocument;
  /** Of its events. */
  readonly partitions: number;
}

/** A contract with its members as properties. Without a type argument: any contract. */
export type Contract<M extends Members = Members> = {
  readonly [info]: ContractInfo<M>;
} & (string extends keyof M ? unknown : BoundMembers<M>);

type BoundMembers<M extends Members> = {
  readonly [K in keyof M]: M[K] extends Operation<infer I, infer O, infer E>
    ? ContractOperation<I, O, E>
    : M[K] extends Event<infer P>
      ? ContractEvent<P>
      : never;
};

/** The arguments of `error`: the data may be left out only where an empty object satisfies it. */
type DeclaredArguments<D extends Schema> =
  Record<string, never> extends InputOf<D>
    ? [data?: InputOf<D>, message?: string]
    : [data: InputOf<D>, message?: string];

/** A declared error of an operation, one type per code, so that `error.code` narrows `error.data`. */
export type DeclaredError<E extends Failures> = {
  [Code in Extract<keyof E, string>]: FlotillaError<Code, OutputOf<FailureData<E[Code]>>>;
}[Extract<keyof E, string>];

/** Any error that a call of an operation can end in. */
export type CallError<E extends Failures> =
  | DeclaredError<E>
  | {
      [Code in PlatformCode]: FlotillaError<Code, Code extends 'invalid_argument' ? ValidationData : unknown>;
    }[PlatformCode];

export interface ContractOperation<
  I extends Schema = Schema,
  O extends Schema | StreamSchema = Schema | StreamSchema,
  E extends Failures = Failures,
> extends Operation<I, O, E> {
  readonly service: string;
  readonly name: string;
  /** `service.name`: the operation's name on the wire. */
  readonly id: string;
  /** Builds a declared error: `throw Ledger.hold.error('insufficient_funds', { available })`. */
  error<Code extends Extract<keyof E, string>>(
    code: Code,
    ...rest: DeclaredArguments<FailureData<E[Code]>>
  ): FlotillaError<Code, OutputOf<FailureData<E[Code]>>>;
  /** Narrows a caught value to the errors of this operation, so that `error.code` is one of the known ones. */
  isError(thrown: unknown): thrown is CallError<E>;
}

export interface ContractEvent<P extends Schema = Schema> extends Event<P> {
  readonly service: string;
  readonly name: string;
  /** `service.name`. */
  readonly id: string;
  /** Of all events of the service. */
  readonly partitions: number;
}

const serviceName = /^[a-z][a-z0-9-]{0,62}$/;
const memberName = /^[a-z][a-zA-Z0-9]{0,62}$/;
/** A member of a group reads each of its partitions on its own. */
const mostPartitions = 256;
const reserved = new Set(['then', 'constructor', 'toString', 'valueOf', 'toJSON']);

/**
 * Makes a contract.
 *
 * @param name the service's name: lower-case letters, digits and hyphens.
 * @throws FlotillaError `invalid_argument` naming the member at fault and the repair.
 */
export function contract<const M extends Members>(
  name: string,
  members: M,
  options: ContractOptions = {},
): Contract<M> {
  const { partitions = defaultPartitions } = options;
  if (!serviceName.test(name)) {
    throw platformError(
      'invalid_argument',
      `contract name '${name}' must match ${serviceName.source}, for example 'market-data'`,
    );
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > mostPartitions) {
    throw platformError(
      'invalid_argument',
      `${name}: partitions must be a whole number from 1 to ${mostPartitions}, not ${partitions}`,
    );
  }
  const bound: Record<string | symbol, unknown> = {};
  for (const [key, member] of Object.entries(members)) {
    if (!memberName.test(key)) {
      throw platformError(
        'invalid_argument',
        `${name}.${key}: a member's name must match ${memberName.source}, for example 'placeOrder'`,
      );
    }
    if (reserved.has(key)) {
      throw platformError(
        'invalid_argument',
        `${name}.${key}: JavaScript itself calls a member of this name; choose another`,
      );
    }
    bound[key] = bindMember(name, key, member, partitions);
  }
  bound[info] = {
    name,
    members: Object.freeze({ ...members }),
    document: describeMembers(name, members, options.summary),
    partitions,
  } satisfies ContractInfo<M>;
  return Object.freeze(bound) as Contract<M>;
}

function bindMember(
  service: string,
  name: string,
  member: Member,
  partitions: number,
): ContractOperation | ContractEvent {
  const { kind } = Object(member) as Partial<Member>;
  if (kind !== 'operation' && kind !== 'event') {
    throw platformError(
      'invalid_argument',
      `${service}.${name}: is neither an operation nor an event; wrap it in operation({ … }) or event({ … })`,
    );
  }
  return member.kind === 'operation'
    ? bindOperation(service, name, member)
    : bindEvent(service, name, member, partitions);
}

function bindOperation(service: string, name: string, member: Operation): ContractOperation {
  const id = `${service}.${name}`;
  return Object.freeze({
    ...member,
    service,
    name,
    id,
    error(code: string, ...[data, message]: [data?: unknown, message?: string]) {
      if (!Object.hasOwn(member.errors, code)) {
        throw platformError('internal', `${id} declares no error '${code}': add it to the contract's errors`);
      }
      return new FlotillaError(code, message ?? code.replaceAll('_', ' '), {
        data: data ?? {},
        declared: true,
      });
    },
    isError: (thrown: unknown) =>
      thrown instanceof FlotillaError &&
      (thrown.declared ? Object.hasOwn(member.errors, thrown.code) : isPlatformCode(thrown.code)),
  }) as ContractOperation;
}

function bindEvent(service: string, name: string, member: Event, partitions: number): ContractEvent {
  return Object.freeze({ ...member, service, name, id: `${service}.${name}`, partitions });
}

/** What a contract is made of. */
export function contractInfo<M extends Members>(value: Contract<M>): ContractInfo<M> {
  return value[info];
}

/** The JSON form of a contract, with its hash. */
export function describe(value: Contract): ContractDocument {
  return value[info].document;
}

export function isContract(value: unknown): value is Contract {
  return typeof value === 'object' && value !== null && info in value;
}
