/**
 * Answers the discovery protocol of NATS services (ADR-32, "micro"): PING, INFO and STATS under `$SRV`, so that NATS
 * tools see the fleet. Calls themselves do not go over the broker; `metadata.address` says where they go.
 */
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Instance } from './instance.ts';

export interface EndpointStats {
  /** Operation name, `service.operation`. */
  readonly operation: string;
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds spent on all requests together. */
  readonly milliseconds: number;
}

export interface MicroOptions {
  readonly connection: NatsConnection;
  readonly self: Instance;
  readonly description: string;
  readonly stats: () => readonly EndpointStats[];
}

/** Starts to answer; the returned function ends it. */
export function answerMicro({ connection, self, description, stats }: MicroOptions): () => void {
  const identity = {
    name: self.service,
    id: self.instance,
    version: self.version,
    metadata: { transport: 'flotilla', address: self.address, contract: self.contract },
  };
  const started = new Date(self.startedAt).toISOString();
  const bodies = {
    PING: () => ({ type: 'io.nats.micro.v1.ping_response', ...identity }),
    INFO: () => ({
      type: 'io.nats.micro.v1.info_response',
      ...identity,
      description,
      endpoints: stats().map(({ operation }) => endpointOf(operation)),
    }),
    STATS: () => ({
      type: 'io.nats.micro.v1.stats_response',
      ...identity,
      started,
      endpoints: stats().map((endpoint) => ({
        ...endpointOf(endpoint.operation),
        num_requests: endpoint.requests,
        num_errors: endpoint.errors,
        last_error: '',
        processing_time: nanoseconds(endpoint.milliseconds),
        average_processing_time: nanoseconds(endpoint.milliseconds / Math.max(1, endpoint.requests)),
      })),
    }),
  };
  const subscriptions: Subscription[] = [];
  for (const [verb, body] of Object.entries(bodies)) {
    const callback = (error: Error | null, message: Msg): void => {
      if (!error) message.respond(JSON.stringify(body()));
    };
    for (const target of ['', `.${self.service}`, `.${self.service}.${self.instance}`]) {
      subscriptions.push(connection.subscribe(`$SRV.${verb}${target}`, { callback }));
    }
  }
  return () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

function endpointOf(operation: string) {
  return {
    name: operation.slice(operation.indexOf('.') + 1),
    subject: operation,
    queue_group: '',
    metadata: {},
  };
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}
