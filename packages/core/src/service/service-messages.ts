/**
 * The messages of a service: whether it has any, and its subscriptions through the life of the process. The code of messaging is
 * loaded by services that need it, and costs the others nothing.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { contractInfo } from '../contract/contract.ts';
import { type Duration, millisecondsOf } from '../messaging/duration.ts';
import type { Messages } from '../messaging/messages.ts';
import {
  type AnySubscription,
  checkSubscriptions,
  makeSubscriber,
  type Subscription,
} from '../messaging/subscription.ts';
import type { Database } from '../store/database.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { traced } from '../telemetry/traced-log.ts';
import type { HostRuntime, Uses } from './context.ts';
import { HandlingContext, type TransactionContext } from './message-context.ts';
import type { Service } from './service.ts';

/** The broker, as messages need it. */
export interface MessageBroker {
  readonly connection: NatsConnection;
  readonly fleet: string;
  /** How long a member of a group may be silent before others take over, in milliseconds. Default 5000. */
  readonly memberTtlMs?: number;
}

export interface ServiceMessagesOptions {
  readonly instance: string;
  readonly broker: MessageBroker | undefined;
  readonly database: Database | undefined;
  readonly telemetry: Telemetry;
}

/** Services whose events this one may publish. */
export function familiesOf({ contract, spec }: Service): ReadonlySet<string> {
  const contracts = [contract, ...Object.values(spec.uses ?? {})];
  return new Set(contracts.filter(hasEvents).map((each) => contractInfo(each).name));
}

/** Undefined for a service that neither says nor hears anything, and where there is no broker. */
export async function openMessages(
  service: Service,
  { broker, instance, database, telemetry }: ServiceMessagesOptions,
): Promise<Messages | undefined> {
  if (!broker || (familiesOf(service).size === 0 && service.spec.subscriptions === undefined))
    return undefined;
  const messaging = await import('../messaging/messages.ts');
  const { name } = contractInfo(service.contract);
  const subscriptions = subscriptionsOf(service);
  checkSubscriptions(name, subscriptions);
  const own = { service: name, instance, database, subscriptions, telemetry };
  return await messaging.openMessages({ ...broker, ...own });
}

function subscriptionsOf({ spec }: Service): AnySubscription[] {
  const { subscriptions = [] } = spec;
  const made: readonly Subscription[] =
    typeof subscriptions === 'function' ? subscriptions(makeSubscriber()) : subscriptions;
  return made.map(({ of }) => of);
}

/** Makes the stream of the service's own events, and begins to hear. */
export async function startMessages(
  { contract, spec }: Service,
  messages: Messages,
  runtime: HostRuntime<unknown, Uses, unknown>,
): Promise<void> {
  const { name, partitions } = contractInfo(contract);
  if (hasEvents(contract)) {
    const { keep, maxBytes } = spec.events ?? {};
    await messages.own(partitions, {
      ...(keep === undefined ? {} : { keepMs: keepMsOf(keep, name) }),
      ...(maxBytes === undefined ? {} : { maxBytes }),
    });
  }
  await messages.start(
    (scope) => new HandlingContext(runtime, scope),
    ({ message, trace, tx }): TransactionContext => ({
      service: runtime.service,
      instance: runtime.instance,
      config: runtime.config,
      state: runtime.state,
      database: runtime.database,
      message,
      trace,
      get log() {
        return traced(runtime.log, trace);
      },
      publish: (event, payload, options) => tx.publish(event, payload, options),
    }),
  );
}

function keepMsOf(keep: Duration | 'forever', service: string): number {
  return keep === 'forever' ? 0 : millisecondsOf(keep, `${service}: events.keep`);
}

function hasEvents(contract: Service['contract']): boolean {
  return Object.values(contractInfo(contract).members).some(({ kind }) => kind === 'event');
}
