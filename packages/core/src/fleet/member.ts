/**
 * Membership of a fleet: what a process needs to find the others and call them. Services, the gateway and the command
 * line are members alike.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { type Contract, contractInfo } from '../contract/contract.ts';
import type { ContractDocument } from '../contract/document.ts';
import { connectBroker } from '../discovery/broker-connection.ts';
import { Discovery } from '../discovery/discovery.ts';
import type { Goodbye } from '../discovery/instance.ts';
import { FaultInjector } from '../faults/fault-injector.ts';
import { faultyTransport } from '../faults/faulty-transport.ts';
import type { PolicyRules, PolicyValue } from '../resilience/policy-rules.ts';
import type { CallOptions, CallResult, Transport, WireIdentity } from '../rpc/channel.ts';
import { type Caller, type Client, createClient } from '../rpc/client.ts';
import { PromisedResult } from '../rpc/promised-result.ts';
import { socketTransport } from '../rpc/socket-transport.ts';
import type { Logger } from '../telemetry/log.ts';
import { silentTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import type { CalledOperation } from './called-operation.ts';
import { CalledService } from './called-service.ts';
import { ClientMetrics } from './client-metrics.ts';
import { ContractCheck, contractOperation } from './contract-check.ts';
import { type ControlDocument, emptyControl } from './control-document.ts';
import { EndpointPool } from './endpoint-pool.ts';
import { openStream } from './outgoing-stream.ts';
import { PlannedRestarts } from './planned-restarts.ts';
import { PolicyBook } from './policy-book.ts';
import { type ResilienceReport, reportOf } from './resilience-report.ts';
import { deriveKey, deriveToken } from './secret.ts';

export interface MemberOptions {
  readonly service: string;
  /** Unique in the fleet. */
  readonly instance: string;
  /** The fleet secret. */
  readonly secret: string;
  /** Name of the fleet: members of different fleets on one broker do not see each other. Default `default`. */
  readonly fleet?: string;
  /** `nats://127.0.0.1:8422`. Without credentials in it, a token derived from the secret is used. */
  readonly natsUrl: string;
  /** Default: none that anybody reads. */
  readonly telemetry?: Telemetry;
  readonly transport?: Transport;
  /** Where this process is: calls prefer instances in the same zone. Default `local`. */
  readonly zone?: string;
  /** Policies of this process's own calls, in its code; the fleet's configuration and changes at run time win over them. */
  readonly policies?: PolicyRules;
  /** Whose heartbeats it listens to: default those of all; `called`: of the services that it calls. */
  readonly heartbeats?: 'all' | 'called';
  /** What an operator has decided so far; later decisions come by {@link FleetMember.control}. */
  readonly control?: ControlDocument;
}

export async function joinFleet(options: MemberOptions): Promise<FleetMember> {
  const { service, instance, secret, natsUrl } = options;
  const connection = await connectBroker({
    url: natsUrl,
    token: deriveToken(secret, 'broker'),
    name: instance,
  });
  const member = new FleetMember(connection, options, {
    service,
    instance,
    key: deriveKey(secret, 'wire'),
  });
  await member.discovery.start();
  return member;
}

/** How calls to an operation are made, and why so. */
export interface Explanation {
  readonly caller: string;
  readonly service: string;
  /** Its name within the service; undefined for what all operations share. */
  readonly operation: string | undefined;
  readonly values: readonly PolicyValue[];
}

export class FleetMember implements Caller {
  readonly connection: NatsConnection;
  readonly discovery: Discovery;
  readonly identity: WireIdentity;
  readonly transport: Transport;
  /** The faults injected into this process. */
  readonly faults: FaultInjector;
  readonly #telemetry: Telemetry;
  readonly #log: Logger;
  readonly #zone: string;
  readonly #services = new Map<string, CalledService>();
  readonly #contracts = new ContractCheck();
  readonly #policies: PolicyBook;
  readonly #metrics: ClientMetrics;
  readonly #restarts = new PlannedRestarts();
  #control: ControlDocument = emptyControl;
  #hasLeft = false;

  /** Use {@link joinFleet}. */
  constructor(connection: NatsConnection, options: MemberOptions, identity: WireIdentity) {
    const { telemetry = silentTelemetry(), transport = socketTransport, zone = 'local' } = options;
    this.connection = connection;
    this.identity = identity;
    this.#telemetry = telemetry;
    this.#log = telemetry.log;
    this.#zone = zone;
    this.faults = new FaultInjector({ identity, ...telemetry });
    this.transport = faultyTransport(transport, this.faults);
    this.#policies = new PolicyBook(identity.service, options.policies ?? {});
    this.#metrics = new ClientMetrics(telemetry.metrics, {
      breakers: () => this.#breakers(),
      bulkheads: () => this.#bulkheads(),
    });
    if (options.control) this.control(options.control);
    this.discovery = new Discovery({
      connection,
      fleet: options.fleet ?? 'default',
      log: this.#log,
      heartbeats: options.heartbeats === 'called' ? 'wanted' : 'all',
      vouch: (instance) => this.#services.get(instance.service)?.pool.isConnected(instance) ?? false,
    });
    this.discovery.onChange(({ kind, instance }) => {
      const { service } = instance;
      const all = this.discovery.list(service);
      if (kind !== 'left') {
        const ready = all.filter(({ state }) => state === 'ready').length;
        this.#restarts.changed(instance, ready, this.#policies.of(service).waitMs, performance.now());
      }
      this.#services.get(service)?.pool.update(all);
    });
  }

  /**
   * Calls an operation of some live instance, under the operation's policy: see `outgoing-call.ts` for the steps.
   *
   * @param operation as on the wire, `service.operation`
   */
  call(service: string, operation: string, payload: Uint8Array, options: CallOptions): Promise<CallResult> {
    const result = new PromisedResult();
    this.#service(service).call(operation, payload, options, result);
    return result.promise;
  }

  /** Opens a stream on some live instance. It fails, and does not move, when that instance goes away. */
  stream(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer> {
    return openStream(this.#service(service).operation(operation), payload, options);
  }

  /** A typed client. */
  client<C extends Contract>(contract: C): Client<C> {
    return createClient(contract, this);
  }

  /** This process calls a service under this contract: instances that break it get no calls. */
  expect(contract: Contract): void {
    this.#contracts.expect(contract);
    this.discovery.want(contractInfo(contract).name);
  }

  /** The contract that a service serves now, asked from a live instance and remembered by its hash. */
  async contract(service: string): Promise<ContractDocument> {
    for (const { contract } of this.discovery.list(service)) {
      const known = this.#contracts.known(contract);
      if (known) return known;
    }
    const id = `${service}.${contractOperation}`;
    const { payload } = await this.call(service, id, Buffer.from('{}'), { idempotent: true });
    return this.#contracts.remember(JSON.parse(payload.toString('utf8')) as ContractDocument);
  }

  /** Applies what an operator has decided: policies, faults, breakers held open or closed. */
  control(document: ControlDocument): void {
    this.#control = document;
    this.#policies.update(document);
    this.faults.set(document.faults);
    for (const service of this.#services.values()) {
      service.applyPolicies();
      for (const operation of service.operations) this.#holdBreaker(operation);
    }
  }

  /** The effective policy of calls from this process, with the origin of every value. */
  explain(service: string, operation?: string): Explanation {
    return {
      caller: this.identity.service,
      service,
      operation,
      values: this.#policies.explain(service, operation),
    };
  }

  /** What this process knows of those it calls: instances, breakers, queues. */
  resilience(): ResilienceReport {
    return reportOf(this.#services.values(), performance.now());
  }

  /** Reports the death of another member, so that nobody waits for its time to live. */
  reportGone(goodbye: Goodbye): void {
    this.discovery.goodbye(goodbye);
  }

  /** Says goodbye, closes all connections. Calls in flight fail with `unavailable`, and so does every call after it. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    this.discovery.stop();
    for (const service of this.#services.values()) service.close();
    this.faults.close();
    if (!this.connection.isClosed()) {
      await Promise.race([
        this.connection.flush().catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, 500).unref()),
      ]);
    }
    await this.connection.close();
  }

  #service(name: string): CalledService {
    let service = this.#services.get(name);
    if (!service) {
      this.discovery.want(name);
      service = this.#makeService(name);
      this.#services.set(name, service);
      if (this.#hasLeft) service.close();
      service.pool.update(this.discovery.list(name));
    }
    return service;
  }

  #makeService(name: string): CalledService {
    return new CalledService(
      {
        name,
        policies: this.#policies,
        metrics: this.#metrics,
        tracer: this.#telemetry.tracer,
        random: Math.random,
        settled: () => this.discovery.settled(name),
        restarts: this.#restarts,
        onOperation: (operation) => this.#holdBreaker(operation),
        onBreakerChange: (operation, from, to) => {
          this.#metrics.breakerChanged(name, operation.name, to);
          const fields = { operation: operation.id, from, to };
          if (to === 'open') this.#log.warn('circuit breaker opened', fields);
          else this.#log.info('circuit breaker changed', fields);
        },
      },
      (policy, service) =>
        new EndpointPool({
          service: name,
          identity: this.identity,
          zone: this.#zone,
          transport: this.transport,
          log: this.#log,
          policy,
          incompatibleOn: (instance, channel) => this.#contracts.incompatibleOn(instance, channel),
          onStall: (endpoint) => service.endpointStalled(endpoint),
          onEjection: (endpoint, reason) => {
            this.#metrics.ejected(name, endpoint.id, reason);
            this.#log.warn('an instance was ejected', { to: endpoint.id, reason });
            if (reason === 'failures') service.endpointEjected();
          },
        }),
    );
  }

  /** The most specific decision that names this operation from here. */
  #holdBreaker({ id, service, breaker }: CalledOperation): void {
    const { breakers } = this.#control;
    const from = `${this.identity.service}->`;
    const state =
      breakers[`${from}${id}`] ??
      breakers[id] ??
      breakers[`${from}${service.name}`] ??
      breakers[service.name];
    breaker.force(state, performance.now());
  }

  *#breakers() {
    for (const { name, operations } of this.#services.values()) {
      for (const operation of operations) {
        yield [name, operation.name, operation.breaker.state] as const;
      }
    }
  }

  *#bulkheads() {
    for (const { name, bulkhead } of this.#services.values()) {
      yield [name, bulkhead.active, bulkhead.waiting] as const;
    }
  }
}
