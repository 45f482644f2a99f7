/**
 * What a service hears, as a value: which events, in which group, how, and what it does with them. Made by `subscribe`, `work`
 * and `listen`; the service host brings it to life.
 */
import { type Contract, type ContractEvent, contractInfo, isContract } from '../contract/contract.ts';
import type { Event } from '../contract/event.ts';
import type { OutputOf, Schema } from '../contract/schema.ts';
import { platformError } from '../errors/flotilla-error.ts';
import type { Database } from '../store/database.ts';
import { type Duration, millisecondsOf } from './duration.ts';
import { type PositionOptions, Positions } from './handling/positions.ts';
import { type RetryOptions, type RetryPolicy, retryPolicy } from './handling/retry-policy.ts';
import { isGroupName } from './topology.ts';

/** Where a new group begins. */
export type StartPosition = 'first' | 'new' | { readonly sequence: number } | { readonly time: Date };

/** What all groups may say. */
export interface GroupOptions {
  /** The consumer group. A group belongs to one service: its members are that service's instances. */
  readonly group: string;
  /** Attempts and waits by class of error. */
  readonly retry?: RetryOptions;
  /**
   * What follows the last attempt: `dead-letter` (default), or `wait`, which never gives a message up and tries again every half
   * minute: for those who follow a log that must not have gaps.
   */
  readonly exhausted?: 'dead-letter' | 'wait';
  /** Where the group begins, the first time that it is there. Default `first`: with the oldest message that is kept. */
  readonly from?: StartPosition;
}

export interface SubscribeOptions extends GroupOptions {
  readonly transaction?: false;
  /** Messages of different keys that one instance handles at a time. Default 16. */
  readonly concurrency?: number;
  /** After this time a handler's signal aborts. Default 30 s. */
  readonly timeout?: Duration;
  /** For how long the ids of messages handled in a `context.transaction` are known. Default one hour. */
  readonly inbox?: { readonly keep: Duration };
}

export interface TransactionOptions<P = unknown> extends GroupOptions {
  /** The handler runs inside of the service's database transaction, which also holds the checkpoint. It must be synchronous. */
  readonly transaction: true;
  /**
   * Also recognises a message that was published again under the same id later than two minutes after the first time.
   * Default: no, since that costs a row for each message.
   */
  readonly inbox?: { readonly keep: Duration };
  /**
   * A number of the publisher's own that rises with every message, such as the sequence of a log: what `progress.applied`
   * shows and `progress.waitFor` waits for. A message that does not rise above the last is a repetition, and done; so a stream that
   * was lost may be published anew. For families of one partition. Default: the sequence in the stream.
   */
  readonly position?: (payload: P) => number;
  /**
   * Positions rise by one: a message that is not the next one is not handled, and nothing behind it, until it is. What was
   * removed before it was read, or never published, is thus found and not passed over.
   */
  readonly gapless?: boolean;
  /**
   * The position up to which the service had handled what these messages say before it had this group, out of its own database.
   * Asked when the group begins; messages up to there count as repetitions.
   */
  readonly handledUpTo?: (database: Database) => number;
}

export interface WorkOptions extends GroupOptions {
  /** Messages that one instance handles at a time. Default 8. */
  readonly concurrency?: number;
  /** After this time a handler's signal aborts. Default 30 s. */
  readonly timeout?: Duration;
  /** For how long the ids of messages handled in a `context.transaction` are known. Default one hour. */
  readonly inbox?: { readonly keep: Duration };
}

export interface ListenOptions {
  /** One instance of the group hears each message. Default: every instance hears all. */
  readonly group?: string;
}

/** The events of a contract by name, with what each carries. */
export type EventsOf<C> = {
  readonly [K in keyof C as C[K] extends Event ? K : never]: C[K] extends Event<infer P>
    ? OutputOf<P>
    : never;
};

type EventHandlers<C, Ctx, Result> = {
  readonly [K in keyof EventsOf<C>]?: (payload: EventsOf<C>[K], context: Ctx) => Result;
};

/** Nothing may be waited for in a transaction: a promise is no such result. */
// biome-ignore lint/suspicious/noConfusingVoidType: the result of a function that returns nothing
type NoPromise = void | undefined | string | number | boolean | bigint | symbol | null;

export interface Subscribe<Ctx, TransactionCtx> {
  /** All that an event says, in the order of its key, to one member of the group. */
  <P extends Schema>(
    event: ContractEvent<P>,
    options: SubscribeOptions,
    handler: (payload: OutputOf<P>, context: Ctx) => unknown,
  ): Subscription<Ctx, TransactionCtx>;
  <P extends Schema>(
    event: ContractEvent<P>,
    options: TransactionOptions<OutputOf<P>>,
    handler: (payload: OutputOf<P>, context: TransactionCtx) => NoPromise,
  ): Subscription<Ctx, TransactionCtx>;
  /** Several events of one contract in one order, each with a handler. */
  <C extends Contract>(
    contract: C,
    options: SubscribeOptions,
    handlers: EventHandlers<C, Ctx, unknown>,
  ): Subscription<Ctx, TransactionCtx>;
  <C extends Contract>(
    contract: C,
    options: TransactionOptions<EventsOf<C>[keyof EventsOf<C>]>,
    handlers: EventHandlers<C, TransactionCtx, NoPromise>,
  ): Subscription<Ctx, TransactionCtx>;
}

/** Hands out an event's messages as work: in no order, to any member of the group that has a free place. */
export type Work<Ctx, TransactionCtx> = <P extends Schema>(
  event: ContractEvent<P>,
  options: WorkOptions,
  handler: (payload: OutputOf<P>, context: Ctx) => unknown,
) => Subscription<Ctx, TransactionCtx>;

/** Hears what is published or emitted from now on, at most once. */
export type Listen<Ctx, TransactionCtx> = <P extends Schema>(
  event: ContractEvent<P>,
  options: ListenOptions,
  handler: (payload: OutputOf<P>, context: Ctx) => unknown,
) => Subscription<Ctx, TransactionCtx>;

/** What makes subscriptions whose handlers get contexts of these types. */
export interface Subscriber<Ctx, TransactionCtx> {
  readonly subscribe: Subscribe<Ctx, TransactionCtx>;
  readonly work: Work<Ctx, TransactionCtx>;
  readonly listen: Listen<Ctx, TransactionCtx>;
}

export type MessageHandler = (payload: unknown, context: unknown) => unknown;

/** One event and what is done with it. */
export interface EventHandler {
  readonly event: ContractEvent;
  readonly handle: MessageHandler;
}

/** Options with their defaults. */
export interface GroupSettings {
  readonly group: string;
  readonly retry: RetryPolicy;
  readonly exhausted: 'dead-letter' | 'wait';
  readonly from: StartPosition;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** Undefined: no ids are kept. */
  readonly inboxMs: number | undefined;
}

interface SubscriptionBase {
  /** Whose events. */
  readonly service: string;
  readonly partitions: number;
  /** By event name. */
  readonly handlers: ReadonlyMap<string, EventHandler>;
}

export type AnySubscription = SubscriptionBase &
  (
    | { readonly kind: 'subscribe'; readonly settings: GroupSettings }
    | {
        readonly kind: 'transaction';
        readonly settings: GroupSettings;
        readonly positions: Positions | undefined;
      }
    | { readonly kind: 'work'; readonly settings: GroupSettings }
    | { readonly kind: 'listen'; readonly group: string | undefined }
  );

/** One of a group that has an order. */
export type OrderedSubscription = Extract<AnySubscription, { readonly kind: 'subscribe' | 'transaction' }>;

export function isOrdered(subscription: AnySubscription): subscription is OrderedSubscription {
  return subscription.kind === 'subscribe' || subscription.kind === 'transaction';
}

/** A subscription whose handlers need no more than such contexts. */
export interface Subscription<in Ctx = never, in TransactionCtx = never> {
  readonly service: string;
  readonly of: AnySubscription;
  /** Only there for the compiler. */
  readonly accepts?: (context: Ctx, transaction: TransactionCtx) => void;
}

const defaultTimeoutMs = 30_000;
const defaultInboxMs = 3_600_000;
const defaultKeys = 16;
const defaultJobs = 8;

export function makeSubscriber<Ctx, TransactionCtx>(): Subscriber<Ctx, TransactionCtx> {
  return {
    subscribe: subscribe as Subscribe<Ctx, TransactionCtx>,
    work: work as Work<Ctx, TransactionCtx>,
    listen: listen as Listen<Ctx, TransactionCtx>,
  };
}

function subscribe(
  source: ContractEvent | Contract,
  options: SubscribeOptions | TransactionOptions<never>,
  handlers: MessageHandler | Readonly<Record<string, MessageHandler | undefined>>,
): Subscription {
  const base = baseOf(source, handlers);
  const settings = settingsOf(options, base, defaultKeys);
  if (options.transaction !== true) return made({ ...base, kind: 'subscribe', settings });
  const { position, gapless = false, handledUpTo } = options;
  if (!position && (gapless || handledUpTo)) {
    throw platformError(
      'invalid_argument',
      `group ${options.group}: \`gapless\` and \`handledUpTo\` are about positions: say what the \`position\` of a message is`,
    );
  }
  if (position && base.partitions !== 1) {
    throw platformError(
      'invalid_argument',
      `group ${options.group}: \`position\` needs events in one order, but those of ${base.service} lie in ${base.partitions} partitions`,
    );
  }
  return made({
    ...base,
    kind: 'transaction',
    settings: gapless ? { ...settings, exhausted: 'wait' } : settings,
    positions: position && new Positions({ position, gapless, handledUpTo } as PositionOptions),
  });
}

function work(event: ContractEvent, options: WorkOptions, handler: MessageHandler): Subscription {
  const base = baseOf(event, handler);
  return made({ ...base, kind: 'work', settings: settingsOf(options, base, defaultJobs) });
}

function listen(event: ContractEvent, options: ListenOptions, handler: MessageHandler): Subscription {
  const { group } = options;
  if (group !== undefined) checkGroup(group);
  return made({ ...baseOf(event, handler), kind: 'listen', group });
}

function made(of: AnySubscription): Subscription {
  return { service: of.service, of };
}

function baseOf(
  source: ContractEvent | Contract,
  given: MessageHandler | Readonly<Record<string, MessageHandler | undefined>>,
): SubscriptionBase {
  if (!isContract(source)) {
    const event = source as ContractEvent;
    if (event?.kind !== 'event' || event.service === undefined) {
      throw platformError('invalid_argument', 'a subscription needs an event of a contract: Ledger.posted');
    }
    if (typeof given !== 'function') {
      throw platformError('invalid_argument', `the subscription to ${event.id} needs a handler`);
    }
    const handlers = new Map([[event.name, { event, handle: given }]]);
    return { service: event.service, partitions: event.partitions, handlers };
  }
  const { name, partitions } = contractInfo(source);
  const handlers = new Map<string, EventHandler>();
  for (const [key, handle] of Object.entries(given)) {
    const event = (source as Readonly<Record<string, ContractEvent | undefined>>)[key];
    if (event?.kind !== 'event' || typeof handle !== 'function') {
      throw platformError('invalid_argument', `${name} has no event '${key}' that could be handled`);
    }
    handlers.set(key, { event, handle });
  }
  if (handlers.size === 0) {
    throw platformError('invalid_argument', `the subscription to ${name} handles none of its events`);
  }
  return { service: name, partitions, handlers };
}

function settingsOf(
  options: SubscribeOptions | TransactionOptions<never> | WorkOptions,
  { service }: SubscriptionBase,
  usualConcurrency: number,
): GroupSettings {
  const { group, retry, exhausted = 'dead-letter', from = 'first', inbox } = options;
  checkGroup(group);
  const where = `group ${group} of ${service}`;
  const inTransaction = 'transaction' in options && options.transaction === true;
  const { concurrency = usualConcurrency, timeout = defaultTimeoutMs } = inTransaction
    ? {}
    : (options as WorkOptions);
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw platformError(
      'invalid_argument',
      `${where}: concurrency is a whole number from 1, not ${concurrency}`,
    );
  }
  const usualInboxMs = inTransaction ? undefined : defaultInboxMs;
  return {
    group,
    retry: retryPolicy(retry),
    exhausted,
    from,
    concurrency,
    timeoutMs: millisecondsOf(timeout, `${where}: timeout`),
    inboxMs: inbox ? millisecondsOf(inbox.keep, `${where}: inbox.keep`) : usualInboxMs,
  };
}

function checkGroup(group: string): void {
  if (isGroupName(group)) return;
  throw platformError(
    'invalid_argument',
    `'${group}' cannot be the name of a group: use lower-case letters, digits and hyphens, for example 'orders'`,
  );
}

/**
 * Refuses what cannot be told apart on the broker.
 *
 * @throws FlotillaError `invalid_argument` for two subscriptions of one group to the events of one service.
 */
export function checkSubscriptions(service: string, subscriptions: readonly AnySubscription[]): void {
  const seen = new Map<string, string>();
  for (const subscription of subscriptions) {
    if (subscription.kind === 'listen') continue;
    const { kind, settings } = subscription;
    const isWork = kind === 'work';
    for (const event of isWork ? subscription.handlers.keys() : ['*']) {
      const key = `${settings.group} ${subscription.service} ${event}`;
      const mode = isWork ? 'work' : 'order';
      const shared = `${settings.group} ${subscription.service}`;
      const before = seen.get(shared);
      if (seen.has(key) || (before !== undefined && before !== mode)) {
        throw platformError(
          'invalid_argument',
          `service ${service}: group '${settings.group}' subscribes twice to events of ${subscription.service}. ` +
            `Handle them in one subscribe(${subscription.service}, …, { event(payload) {} }), or choose another group`,
        );
      }
      seen.set(key, mode);
      seen.set(shared, mode);
    }
  }
}
