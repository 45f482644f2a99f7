/** What a process knows of the services it calls, as data for consoles and commands. */
import type { BreakerState } from '../resilience/circuit-breaker.ts';
import type { CalledOperation } from './called-operation.ts';
import type { CalledService } from './called-service.ts';
import type { Endpoint } from './endpoint.ts';

export interface InstanceReport {
  readonly instance: string;
  readonly address: string;
  readonly zone: string;
  readonly version: string;
  readonly connection: 'open' | 'draining' | 'closed';
  /** Milliseconds until an ejection ends; 0: it is not ejected. */
  readonly ejectedForMs: number;
  readonly stalled: boolean;
  /** Peak EWMA, in milliseconds. */
  readonly latencyMs: number;
  readonly inFlight: number;
  /** Operations that cannot be called on it, with the reasons. */
  readonly incompatible: Readonly<Record<string, readonly string[]>>;
}

export interface OperationReport {
  readonly operation: string;
  readonly inFlight: number;
  /** Share of calls refused here because the service refuses them as `overloaded`. */
  readonly throttled: number;
  readonly breaker: {
    readonly state: BreakerState;
    /** Held there by an operator. */
    readonly forced: boolean;
    readonly calls: number;
    readonly failures: number;
    readonly slow: number;
    /** Milliseconds after which a call is slow; null while that is not known. */
    readonly slowAfterMs: number | null;
    readonly retryAfterMs: number;
  };
}

export interface ServiceReport {
  readonly service: string;
  readonly active: number;
  readonly waiting: number;
  readonly instances: readonly InstanceReport[];
  readonly operations: readonly OperationReport[];
}

export interface ResilienceReport {
  readonly services: readonly ServiceReport[];
}

export function reportOf(services: Iterable<CalledService>, now: number): ResilienceReport {
  return { services: Array.from(services, (service) => serviceReport(service, now)) };
}

function serviceReport(service: CalledService, now: number): ServiceReport {
  const { name, bulkhead, pool, operations } = service;
  return {
    service: name,
    active: bulkhead.active,
    waiting: bulkhead.waiting,
    instances: Array.from(pool.endpoints, (endpoint) => instanceReport(endpoint, now)),
    operations: Array.from(operations, (operation) => operationReport(operation, now)),
  };
}

function instanceReport(endpoint: Endpoint, now: number): InstanceReport {
  const { instance, channel, outlier, incompatible } = endpoint;
  return {
    instance: instance.instance,
    address: instance.address,
    zone: instance.zone,
    version: instance.version,
    connection: channel?.state ?? 'closed',
    ejectedForMs: outlier.isEjected(now) ? Math.ceil(outlier.ejectedUntil - now) : 0,
    stalled: endpoint.isStalled,
    latencyMs: endpoint.latencyAt(now),
    inFlight: endpoint.inFlight,
    incompatible: Object.fromEntries(incompatible),
  };
}

function operationReport({ name, list, breaker, throttle }: CalledOperation, now: number): OperationReport {
  const { slowAfterMs } = breaker;
  return {
    operation: name,
    inFlight: list.size,
    throttled: throttle.refusalChance(now),
    breaker: {
      state: breaker.state,
      forced: breaker.forced !== undefined,
      ...breaker.counts(now),
      slowAfterMs: slowAfterMs === Number.POSITIVE_INFINITY ? null : slowAfterMs,
      retryAfterMs: breaker.retryAfterMs(now),
    },
  };
}
