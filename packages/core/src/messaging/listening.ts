/** `listen`: what is said from now on, heard at most once; what is published, and what is only emitted. */
import type { Msg } from '@nats-io/nats-core';
import type { Logger } from '../telemetry/log.ts';
import { Attempt, type AttemptEnvironment } from './handling/attempt.ts';
import { eventOfSubject, InHand } from './handling/message.ts';
import type { BrokerLink } from './jetstream/broker-link.ts';
import type { AnySubscription } from './subscription.ts';
import type { Topology } from './topology.ts';

export type ListenSubscription = Extract<AnySubscription, { readonly kind: 'listen' }>;

export interface ListeningOptions {
  readonly subscription: ListenSubscription;
  readonly link: BrokerLink;
  readonly topology: Topology;
  readonly environment: AttemptEnvironment;
  readonly log: Logger;
}

const noDelivery = { deliveries: 1, sequence: 0, consumerSequence: 0, pending: 0 };

/** @returns what ends it. */
export function startListening({
  subscription,
  link,
  topology,
  environment,
  log,
}: ListeningOptions): () => void {
  const { service, handlers, group } = subscription;
  const stream = topology.eventStream(service);
  const hear = (error: Error | null, raw: Msg): void => {
    const handler = error ? undefined : handlers.get(eventOfSubject(raw.subject));
    if (!handler) return;
    const partition = topology.readEventSubject(raw.subject)?.partition ?? 0;
    const message = new InHand(raw, handler, stream, partition, { ...noDelivery, timeMs: Date.now() });
    message.attempt = 1;
    const { series } = environment.of(message);
    new Attempt(environment, message).run((failure) => {
      series.count(failure === undefined ? 'ok' : 'dropped');
      if (failure !== undefined) {
        log.warn('a message that was heard could not be handled', {
          event: message.type,
          id: message.id,
          error: failure,
        });
      }
    });
  };
  const options = group === undefined ? { callback: hear } : { callback: hear, queue: group };
  const subscriptions = [...handlers.keys()].flatMap((event) => [
    link.connection.subscribe(topology.emitSubject(service, event), options),
    link.connection.subscribe(topology.eventFilter(service, '*', event), options),
  ]);
  return () => {
    if (link.isClosed) return;
    for (const each of subscriptions) each.unsubscribe();
  };
}
