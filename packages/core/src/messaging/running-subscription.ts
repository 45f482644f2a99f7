/** A subscription that is being run by this process. */
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type Durable, noDatabase } from './durable/durable.ts';
import type { Transaction } from './durable/transaction.ts';
import type { Alarm } from './groups/alarm.ts';
import type { GroupBucket } from './groups/group-bucket.ts';
import { GroupReader } from './groups/group-reader.ts';
import type { OpenPartition } from './groups/owned-partition.ts';
import type { Attempt, HandledEvent, MakeContext } from './handling/attempt.ts';
import { AttemptBook } from './handling/attempt-book.ts';
import type { DeadLetters } from './handling/dead-letter.ts';
import { Failures } from './handling/failures.ts';
import type { HandlingMetrics } from './handling/handling-metrics.ts';
import { InboxGate } from './handling/inbox-gate.ts';
import type { InHand } from './handling/message.ts';
import {
  headOf,
  onlyEvent,
  openOrdered,
  openTransactional,
  type PartitionParts,
} from './handling/open-partition.ts';
import { Places } from './handling/places.ts';
import type { Progress } from './handling/progress.ts';
import { type MakeTransactionContext, TransactionAttempts } from './handling/transaction-attempt.ts';
import { WorkQueue } from './handling/work-queue.ts';
import { headersOf } from './headers.ts';
import type { ConsumerConfig } from './jetstream/api.ts';
import type { BrokerLink } from './jetstream/broker-link.ts';
import type { Family, Streams } from './jetstream/streams.ts';
import { type ListenSubscription, startListening } from './listening.ts';
import type { EventPublisher } from './publishing/event-publisher.ts';
import type { Publisher } from './publishing/publisher.ts';
import type { AnySubscription, EventHandler, OrderedSubscription, StartPosition } from './subscription.ts';
import { header } from './topology.ts';

/** What subscriptions are run with. */
export interface SubscriptionParts {
  readonly link: BrokerLink;
  readonly streams: Streams;
  readonly publisher: Publisher;
  readonly events: EventPublisher;
  readonly bucket: GroupBucket;
  readonly alarm: Alarm;
  readonly deadLetters: DeadLetters;
  readonly metrics: HandlingMetrics;
  readonly telemetry: Telemetry;
  readonly durable: Durable | undefined;
  readonly progressOf: (subscription: OrderedSubscription) => Progress;
  readonly makeContext: MakeContext;
  readonly makeTransactionContext: MakeTransactionContext;
  readonly service: string;
  readonly instance: string;
  readonly startedAt: number;
  readonly ttlMs: number;
  readonly ackWaitMs: number;
}

type WorkSubscription = Extract<AnySubscription, { readonly kind: 'work' }>;
/** One of a group. */
export type GroupSubscription = OrderedSubscription | WorkSubscription;

const listenTimeoutMs = 30_000;
const redriveConcurrency = 4;
/** A group without an inbox still does not handle twice what was given back once. */
const redriveInboxMs = 3_600_000;

export interface RunningSubscription {
  /** Takes no more messages, and finishes those in hand for at most `graceMs`. */
  stop(graceMs: number): Promise<void>;
  /** Ends at once, as a crash would. */
  kill(): void;
}

/** Brings a subscription to life. */
export async function run(
  subscription: AnySubscription,
  parts: SubscriptionParts,
): Promise<RunningSubscription> {
  if (subscription.kind === 'listen') return await runListening(subscription, parts);
  const family = await parts.streams.family(subscription.service, subscription.partitions);
  if (subscription.kind === 'work') return runWork(subscription, family, parts);
  return runOrdered(subscription, family, parts);
}

async function runListening(
  subscription: ListenSubscription,
  parts: SubscriptionParts,
): Promise<RunningSubscription> {
  const { link, streams, telemetry, makeContext, durable } = parts;
  const group = subscription.group ?? parts.service;
  const stop = startListening({
    ...{ subscription, link, topology: streams.topology, log: telemetry.log },
    environment: {
      ...{ tracer: telemetry.tracer, timeoutMs: listenTimeoutMs, makeContext },
      of: handledEvents(group, parts),
      transaction: (_, work, attempt) =>
        durable
          ? durable.transaction(work, attempt, attempt.signal)
          : Promise.reject(noDatabase('context.transaction')),
    },
  });
  // The broker knows of it from then on.
  await link.connection.flush();
  return { stop: async () => stop(), kill: stop };
}

function runOrdered(
  subscription: OrderedSubscription,
  family: Family,
  parts: SubscriptionParts,
): RunningSubscription {
  const { streams, bucket, alarm, telemetry, service: by, instance, startedAt, ttlMs, metrics } = parts;
  const { settings, handlers, service } = subscription;
  const progress = parts.progressOf(subscription);
  progress.attach(family.partitions, headOf({ family, streams, handlers }));
  const book = bookOf(settings.group, family.stream, parts);
  const open = openWith(subscription, { ...parts, family, handlers, settings, progress, book }, parts);
  const { log } = telemetry;
  const epochOf = (partition: number): number =>
    parts.durable?.checkpoints.read({ group: settings.group, service, partition })?.epoch ?? 0;
  const read = (): GroupReader =>
    new GroupReader({
      ...{
        bucket,
        alarm,
        topology: streams.topology,
        group: settings.group,
        service,
        by,
        instance,
        startedAt,
        ttlMs,
      },
      ...{ event: onlyEvent(handlers), partitions: family.partitions, open, epochOf, log },
      onBucketLost: () => {
        if (isStopping) return;
        log.warn('the bucket of the groups was lost: this group is joined anew', { group: settings.group });
        reader = read();
      },
    });
  let isStopping = false;
  let reader = read();
  const hide = metrics.show({
    ...{ group: settings.group, service },
    lag: () => reader.lag(),
    oldestMs: () => reader.oldestMs(),
    inFlight: () => reader.inFlight(),
    partitions: () => reader.partitions(),
  });
  return {
    async stop(graceMs) {
      isStopping = true;
      await reader.leave(graceMs);
      hide();
    },
    kill() {
      isStopping = true;
      reader.kill();
      hide();
    },
  };
}

function runWork(
  subscription: WorkSubscription,
  family: Family,
  parts: SubscriptionParts,
): RunningSubscription {
  const { streams, link, telemetry, deadLetters, durable, makeContext, metrics } = parts;
  const { settings, handlers, service } = subscription;
  const [event] = handlers.keys();
  const { topology } = streams;
  const gate = new InboxGate(settings, durable);
  const queue = new WorkQueue({
    ...{ api: streams.api, link, stream: family.stream, handlers, settings, gate, deadLetters },
    remake: () => streams.infoOf(family),
    ackWaitMs: parts.ackWaitMs,
    book: bookOf(settings.group, family.stream, parts),
    consumer: {
      durable_name: topology.workConsumer(settings.group, event!),
      description: `work of group ${settings.group}`,
      filter_subject: topology.eventFilter(service, '*', event),
      ...deliverFrom(settings.from),
    },
    partitionOf: ({ subject }) => topology.readEventSubject(subject)?.partition ?? 0,
    environment: {
      ...{ tracer: telemetry.tracer, timeoutMs: settings.timeoutMs, makeContext },
      of: handledEvents(settings.group, parts),
      transaction: gate.transactions(),
    },
    failures: new Failures(settings, telemetry.log),
    log: telemetry.log,
  });
  const hide = metrics.show({
    group: settings.group,
    service,
    lag: () => queue.counts.lag,
    oldestMs: () => queue.counts.oldestMs,
    inFlight: () => queue.counts.inFlight,
    partitions: () => 0,
  });
  return {
    async stop(graceMs) {
      await queue.stop(graceMs);
      hide();
    },
    kill() {
      queue.kill();
      hide();
    },
  };
}

/**
 * What is given back to a group, from its dead letters or by a replay: handled by any member, beside the rest, and in no order with
 * it. One queue for all that the group subscribes to of a service.
 */
export function runRedrive(
  subscriptions: readonly GroupSubscription[],
  parts: SubscriptionParts,
): RunningSubscription {
  const { streams, link, telemetry, deadLetters, durable, makeContext, makeTransactionContext } = parts;
  const [first] = subscriptions;
  const { settings, service } = first!;
  const { topology } = streams;
  const handlers = new Map<string, EventHandler>();
  for (const each of subscriptions) {
    for (const [name, handler] of each.handlers) {
      if (each.kind !== 'transaction') handlers.set(name, handler);
      else if (each.positions?.gapless) handlers.set(name, alreadyHandled(handler));
      else handlers.set(name, asTransaction(handler, makeTransactionContext));
    }
  }
  const concurrent = {
    ...settings,
    concurrency: redriveConcurrency,
    inboxMs: settings.inboxMs ?? redriveInboxMs,
  };
  const gate = new InboxGate(concurrent, durable);
  const queue = new WorkQueue({
    ackWaitMs: parts.ackWaitMs,
    book: bookOf(settings.group, topology.redriveStream, parts),
    ...{
      api: streams.api,
      link,
      stream: topology.redriveStream,
      remake: () => streams.ensureRedrive(),
      handlers,
      settings: concurrent,
      gate,
      deadLetters,
    },
    consumer: {
      durable_name: topology.redriveConsumer(settings.group, service),
      description: `given back to group ${settings.group}`,
      filter_subject: topology.redriveSubject(settings.group, service),
      deliver_policy: 'all',
    },
    partitionOf: (raw) =>
      topology.readEventSubject(headersOf(raw).get(header.originSubject) ?? '')?.partition ?? 0,
    environment: {
      ...{ tracer: telemetry.tracer, timeoutMs: settings.timeoutMs },
      makeContext: (scope) => (first!.kind === 'transaction' ? scope : makeContext(scope)),
      of: handledEvents(settings.group, parts),
      transaction: gate.transactions(),
    },
    failures: new Failures(concurrent, telemetry.log),
    log: telemetry.log,
  });
  return {
    stop: (graceMs) => queue.stop(graceMs),
    kill: () => queue.kill(),
  };
}

/** A handler that wants to run in a transaction, as one that begins it itself. */
function asTransaction({ event, handle }: EventHandler, makeContext: MakeTransactionContext): EventHandler {
  return {
    event,
    handle: (payload, scope) => {
      const { message, trace, transaction } = scope as Attempt;
      return transaction.call(scope, (tx: Transaction) =>
        handle(payload, makeContext({ message, trace, tx })),
      );
    },
  };
}

/** A group that passes over no message handles each where its position is, before or later, and nowhere else. */
function alreadyHandled({ event }: EventHandler): EventHandler {
  return { event, handle: () => {} };
}

function deliverFrom(
  from: StartPosition,
): Pick<ConsumerConfig, 'deliver_policy' | 'opt_start_seq' | 'opt_start_time'> {
  if (from === 'first') return { deliver_policy: 'all' };
  if (from === 'new') return { deliver_policy: 'new' };
  if ('sequence' in from)
    return { deliver_policy: 'by_start_sequence', opt_start_seq: Math.max(1, from.sequence) };
  return { deliver_policy: 'by_start_time', opt_start_time: from.time.toISOString() };
}

function bookOf(group: string, stream: string, { streams, publisher }: SubscriptionParts): AttemptBook {
  return new AttemptBook({ streams, publisher, group, stream });
}

function openWith(
  subscription: OrderedSubscription,
  shared: Omit<PartitionParts, 'failures' | 'log'>,
  parts: SubscriptionParts,
): OpenPartition {
  const { durable, telemetry, makeContext, makeTransactionContext } = parts;
  const { tracer, log } = telemetry;
  const { settings } = subscription;
  const of = handledEvents(settings.group, parts);
  const partitionParts = { ...shared, log, failures: new Failures(settings, log) };
  if (subscription.kind === 'subscribe') {
    const environment = { tracer, timeoutMs: settings.timeoutMs, makeContext, of };
    const places = new Places(settings.concurrency);
    return openOrdered(partitionParts, environment, places, new InboxGate(settings, durable), durable);
  }
  if (!durable) throw noDatabase(`group ${settings.group}: \`transaction: true\``);
  const { positions } = subscription;
  const { outbox } = durable;
  if (settings.inboxMs !== undefined) durable.inbox.keep(settings.group, settings.inboxMs);
  const attempts = new TransactionAttempts({
    tracer,
    outbox,
    makeContext: makeTransactionContext,
    of,
    positions,
  });
  return openTransactional(partitionParts, attempts, positions, durable);
}

/** What is known of the events of a group, made when the first message of each comes. */
export function handledEvents(group: string, { telemetry, events, metrics }: SubscriptionParts) {
  const known = new Map<string, HandledEvent>();
  return ({ handler: { event } }: InHand): HandledEvent => {
    let found = known.get(event.name);
    if (!found) {
      found = {
        codec: events.codec(event),
        spans: telemetry.tracer.template(`process ${event.id}`, 'consumer', {
          'messaging.system': 'nats',
          'messaging.operation.name': 'process',
          'messaging.operation.type': 'process',
          'messaging.destination.name': event.id,
          'messaging.consumer.group.name': group,
        }),
        series: metrics.of(group, event.id),
      };
      known.set(event.name, found);
    }
    return found;
  };
}
