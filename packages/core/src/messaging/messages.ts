/**
 * Messages of one process: what it publishes, and the subscriptions that it runs. Made by the service host; the parts know each
 * other only through what is given to them here.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import type { ContractEvent } from '../contract/contract.ts';
import type { Database } from '../store/database.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Durable, noDatabase } from './durable/durable.ts';
import type { Transaction } from './durable/transaction.ts';
import { Alarm } from './groups/alarm.ts';
import { GroupBucket } from './groups/group-bucket.ts';
import type { MakeContext } from './handling/attempt.ts';
import { DeadLetters } from './handling/dead-letter.ts';
import { HandlingMetrics } from './handling/handling-metrics.ts';
import type { Progress } from './handling/progress.ts';
import { ProgressBook } from './handling/progress-book.ts';
import type { MakeTransactionContext } from './handling/transaction-attempt.ts';
import { abilitiesOf, shortcomings } from './jetstream/abilities.ts';
import { JetStreamApi } from './jetstream/api.ts';
import { BrokerLink } from './jetstream/broker-link.ts';
import { type FamilyLimits, Streams } from './jetstream/streams.ts';
import { DelayedRelay } from './publishing/delayed-relay.ts';
import {
  EventPublisher,
  type Published,
  type PublishOptions,
  type PublishScope,
  type StreamEnd,
} from './publishing/event-publisher.ts';
import { PublishMetrics } from './publishing/publish-metrics.ts';
import { Publisher } from './publishing/publisher.ts';
import {
  type GroupSubscription,
  type RunningSubscription,
  run,
  runRedrive,
  type SubscriptionParts,
} from './running-subscription.ts';
import { type AnySubscription, isOrdered } from './subscription.ts';
import { Topology } from './topology.ts';

export interface MessagesOptions {
  readonly connection: NatsConnection;
  readonly fleet: string;
  readonly service: string;
  readonly instance: string;
  readonly telemetry: Telemetry;
  /** The service's own, where it has one. */
  readonly database: Database | undefined;
  readonly subscriptions: readonly AnySubscription[];
  /** Copies of each stream. Default 3 in a NATS cluster, else 1. */
  readonly replicas?: number;
  /** How long a member of a group may be silent before others take over, in milliseconds. Default 5000. */
  readonly memberTtlMs?: number;
  /** How long a message of `work` may be in hand without a sign of life before another gets it, in milliseconds. Default 30,000. */
  readonly ackWaitMs?: number;
  /** For how long a stream recognises a repeated id, of streams that are made here, in milliseconds. Default two minutes. */
  readonly duplicateWindowMs?: number;
}

const defaultTtlMs = 5_000;
const defaultAckWaitMs = 30_000;

export class Messages {
  readonly #options: MessagesOptions;
  readonly #link: BrokerLink;
  readonly #streams: Streams;
  readonly #publisher: Publisher;
  readonly #events: EventPublisher;
  readonly #startedAt = Date.now();
  readonly #running: RunningSubscription[] = [];
  readonly #isClustered: boolean;
  #durable: Durable | undefined;
  #isRemaking = false;
  #progress = new ProgressBook([], undefined);
  #relay: DelayedRelay | undefined;

  /** Use {@link openMessages}. */
  constructor(options: MessagesOptions) {
    const { connection, fleet, service, telemetry, replicas, duplicateWindowMs } = options;
    const { log, metrics } = telemetry;
    this.#options = options;
    this.#link = new BrokerLink(connection);
    const abilities = abilitiesOf(connection.info!);
    this.#isClustered = abilities.isClustered;
    for (const line of shortcomings(abilities)) log.warn(line);
    this.#streams = new Streams({
      api: new JetStreamApi(connection, this.#link),
      topology: new Topology(fleet),
      abilities,
      log,
      ...(replicas === undefined ? {} : { replicas }),
      ...(duplicateWindowMs === undefined ? {} : { duplicateWindowMs }),
    });
    this.#publisher = new Publisher({
      link: this.#link,
      log,
      onNoStream: (subject) => this.#remake(subject),
    });
    this.#events = new EventPublisher({
      link: this.#link,
      streams: this.#streams,
      publisher: this.#publisher,
      telemetry,
      metrics: new PublishMetrics(metrics, () => this.#publisher.underWay + this.#publisher.waiting),
      service,
    });
  }

  publish(
    event: ContractEvent,
    payload: unknown,
    options?: PublishOptions,
    scope?: PublishScope,
  ): Promise<Published> {
    return this.#events.publish(event, payload, options, scope);
  }

  emit(event: ContractEvent, payload: unknown, scope?: PublishScope): void {
    this.#events.emit(event, payload, scope);
  }

  /**
   * How the stream of an event ends, which is made where it is missing.
   *
   * @throws FlotillaError `unavailable` while the broker is away.
   */
  async streamEnd(event: ContractEvent): Promise<StreamEnd> {
    const { api, topology } = this.#streams;
    const family = await this.#streams.family(event.service, event.partitions);
    const { state } = await this.#streams.infoOf(family);
    const filter = topology.eventFilter(event.service, '*', event.name);
    const last = await api.lastMessage(family.stream, filter);
    if (!last) return { sequence: state.last_seq, last: undefined };
    const payload = await this.#events.codec(event).decode(Buffer.from(last.data ?? '', 'base64'));
    return { sequence: state.last_seq, last: { sequence: last.seq, payload } };
  }

  /** Runs work in the service's database; what it publishes is sent if it commits. */
  transaction<T>(
    work: (tx: Transaction) => T,
    scope: PublishScope | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    if (!this.#durable) return Promise.reject(noDatabase('context.transaction'));
    return this.#durable.transaction(work, scope, signal);
  }

  /**
   * How far a group of this service has come with the events of another.
   *
   * @throws FlotillaError `not_found` when there is no such subscription, or it has no order.
   */
  progress(group: string, service: string): Progress {
    return this.#progress.of(group, service);
  }

  /** Makes the stream of the service's own events, where it is missing, with the limits that the service wants. */
  async own(partitions: number, limits: FamilyLimits): Promise<void> {
    const { service } = this.#options;
    await this.#streams.family(service, partitions);
    await this.#streams.limit(service, limits);
  }

  /** Begins to hear. */
  async start(makeContext: MakeContext, makeTransactionContext: MakeTransactionContext): Promise<void> {
    await this.#streams.ensureDelayed();
    this.#relay = new DelayedRelay({
      ...{ api: this.#streams.api, link: this.#link, publisher: this.#publisher },
      ...{ topology: this.#streams.topology, log: this.#options.telemetry.log },
      remake: () => this.#streams.ensureDelayed(),
    });
    this.#durable?.relay.start();
    const { subscriptions, telemetry, instance, service } = this.#options;
    if (subscriptions.length === 0) return;
    const { memberTtlMs = defaultTtlMs, ackWaitMs = defaultAckWaitMs } = this.#options;
    const { log } = telemetry;
    await Promise.all([
      this.#streams.ensureGroups(),
      this.#streams.ensureDeadLetters(),
      this.#streams.ensureRedrive(),
      this.#streams.ensureAttempts(),
    ]);
    const parts: SubscriptionParts = {
      link: this.#link,
      streams: this.#streams,
      publisher: this.#publisher,
      events: this.#events,
      bucket: new GroupBucket({ streams: this.#streams, link: this.#link, publisher: this.#publisher, log }),
      alarm: new Alarm(),
      deadLetters: new DeadLetters({
        publisher: this.#publisher,
        topology: this.#streams.topology,
        instance,
        log,
      }),
      metrics: new HandlingMetrics(telemetry.metrics),
      telemetry,
      durable: this.#durable,
      progressOf: (subscription) => this.#progress.of(subscription.settings.group, subscription.service),
      makeContext,
      makeTransactionContext,
      service,
      instance,
      startedAt: this.#startedAt,
      ttlMs: memberTtlMs,
      ackWaitMs,
    };
    for (const subscription of subscriptions) this.#running.push(await run(subscription, parts));
    for (const ofOneGroup of byGroup(subscriptions)) this.#running.push(runRedrive(ofOneGroup, parts));
  }

  /** Takes no more messages and finishes those in hand, for at most `graceMs`. Publishing goes on. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#running.map((each) => each.stop(graceMs)));
  }

  /** Waits for what is being published, for at most `graceMs`; then nothing is published any more. */
  async close(graceMs: number): Promise<void> {
    this.#relay?.stop();
    await this.#durable?.close(graceMs);
    await this.#publisher.drain(graceMs);
    this.#publisher.close();
  }

  /** Ends at once, as a crash would. */
  kill(): void {
    for (const each of this.#running) each.kill();
    this.#relay?.stop();
    this.#durable?.kill();
    this.#publisher.close();
  }

  /** Nobody took a message: its stream was removed, by hand or with the broker's data. The message is sent again meanwhile. */
  #remake(subject: string): void {
    const family = this.#streams.topology.readEventSubject(subject);
    if (family) this.#events.familyMissing(family.service);
    else if (!this.#isRemaking) {
      this.#isRemaking = true;
      const { log } = this.#options.telemetry;
      this.#streams
        .ensureOf(subject)
        .catch((error: unknown) => log.debug('a stream cannot be made anew yet', { subject, error }))
        .finally(() => {
          this.#isRemaking = false;
        });
    }
  }

  /** For {@link openMessages}: makes ready what is kept in the service's database. */
  async openDatabase(): Promise<void> {
    const { database, subscriptions } = this.#options;
    if (database) await this.#openDurable(database);
    this.#progress = new ProgressBook(subscriptions.filter(isOrdered), this.#durable);
  }

  async #openDurable(database: Database): Promise<void> {
    const { telemetry } = this.#options;
    const { log, metrics } = telemetry;
    const durable = await Durable.open({
      ...{ database, link: this.#link, streams: this.#streams },
      ...{ publisher: this.#publisher, events: this.#events, log },
      isClustered: this.#isClustered,
    });
    metrics.gauge(
      'flotilla_outbox_messages',
      'Messages committed, and not in their streams yet.',
      () => durable.relay.waiting,
    );
    this.#durable = durable;
  }
}

/** Messages of a process that has a connection, and a database where it has one. */
export async function openMessages(options: MessagesOptions): Promise<Messages> {
  const messages = new Messages(options);
  await messages.openDatabase();
  return messages;
}

/** Those of one group to the events of one service together. */
function byGroup(subscriptions: readonly AnySubscription[]): GroupSubscription[][] {
  const groups = new Map<string, GroupSubscription[]>();
  for (const subscription of subscriptions) {
    if (subscription.kind === 'listen') continue;
    const key = `${subscription.settings.group} ${subscription.service}`;
    const others = groups.get(key);
    if (others) others.push(subscription);
    else groups.set(key, [subscription]);
  }
  return [...groups.values()];
}
