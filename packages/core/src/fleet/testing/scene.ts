/**
 * A service with instances in memory, and the calls of one process to it. The instances come, drain, crash and stand still as
 * a test wants it.
 */
import type { Instance } from '../../discovery/instance.ts';
import type { PolicyRules } from '../../resilience/policy-rules.ts';
import type { CallOptions, CallResult, Dispatch, Transport, WireServer } from '../../rpc/channel.ts';
import type { LinkControl } from '../../rpc/link-control.ts';
import { memoryTransport } from '../../rpc/memory-transport.ts';
import { PromisedResult } from '../../rpc/promised-result.ts';
import { silentTelemetry } from '../../telemetry/telemetry.ts';
import { waitFor } from '../../testing/wait-for.ts';
import { CalledService } from '../called-service.ts';
import { ClientMetrics } from '../client-metrics.ts';
import { emptyControl } from '../control-document.ts';
import { EndpointPool } from '../endpoint-pool.ts';
import { PlannedRestarts } from '../planned-restarts.ts';
import { PolicyBook } from '../policy-book.ts';

const key = Buffer.alloc(32, 3);
const input = Buffer.from('{}');

export class Scene {
  readonly #links = new Map<string, Set<LinkControl>>();
  readonly #standing = new Set<string>();
  readonly #transport = this.#observed(memoryTransport());
  readonly #servers = new Map<string, WireServer>();
  readonly #listed = new Map<string, Instance>();
  readonly telemetry = silentTelemetry();
  readonly policies = new PolicyBook('shop', {});
  /** Of circuit breakers, as `closed open`. */
  readonly changes: string[] = [];
  readonly restarts = new PlannedRestarts();
  readonly service: CalledService;
  readonly #configured: PolicyRules;
  #starts = 0;

  constructor(rules: PolicyRules = {}, settled: () => Promise<void> = async () => {}) {
    this.#configured = rules;
    this.policies.update({ ...emptyControl, configured: rules });
    const metrics = new ClientMetrics(this.telemetry.metrics, { breakers: () => [], bulkheads: () => [] });
    this.service = new CalledService(
      {
        name: 'stock',
        policies: this.policies,
        metrics,
        tracer: this.telemetry.tracer,
        random: Math.random,
        settled,
        restarts: this.restarts,
        onOperation() {},
        onBreakerChange: (_operation, from, to) => this.changes.push(`${from} ${to}`),
      },
      (policy, service) =>
        new EndpointPool({
          service: 'stock',
          identity: { service: 'shop', instance: 'shop-1', key },
          zone: 'local',
          transport: this.#transport,
          log: this.telemetry.log,
          policy,
          incompatibleOn: async () => new Map(),
          onStall: (endpoint) => service.endpointStalled(endpoint),
          onEjection: (_endpoint, reason) => {
            if (reason === 'failures') service.endpointEjected();
          },
        }),
    );
  }

  /** Starts an instance and waits until it takes calls. */
  async start(instance: string, dispatch: Dispatch): Promise<void> {
    await this.announce(instance, dispatch);
    const isThere = () => this.service.pool.candidates('stock.take').some(({ id }) => id === instance);
    await waitFor(isThere, { what: `${instance} to be a candidate` });
  }

  /** Starts an instance, which is dialled from then on. */
  async announce(instance: string, dispatch: Dispatch): Promise<void> {
    const identity = { service: 'stock', instance, key };
    const server = await this.#transport.listen({ address: 'memory:', identity, dispatch });
    this.#servers.set(instance, server);
    this.#listed.set(instance, {
      service: 'stock',
      instance,
      version: '1',
      contract: '',
      address: server.address,
      zone: 'local',
      weight: 1,
      state: 'ready',
      startedAt: ++this.#starts,
      pid: 1,
    });
    this.service.pool.update([...this.#listed.values()]);
  }

  /** As at SIGTERM: announced, go-away, the end. A successor may come meanwhile. */
  async drain(instance: string): Promise<void> {
    const draining: Instance = { ...this.#listed.get(instance)!, state: 'draining' };
    this.#listed.set(instance, draining);
    this.service.pool.update([...this.#listed.values()]);
    await this.#take(instance).drain(1_000);
    if (this.#listed.get(instance) !== draining) return;
    this.#listed.delete(instance);
    this.service.pool.update([...this.#listed.values()]);
  }

  /** As at a crash. */
  async stop(instance: string): Promise<void> {
    this.#listed.delete(instance);
    await this.#take(instance).close();
    this.service.pool.update([...this.#listed.values()]);
  }

  /** Sets what an operator changes at run time. */
  changePolicies(policies: PolicyRules): void {
    this.policies.update({ ...emptyControl, configured: this.#configured, policies });
    this.service.applyPolicies();
  }

  /** As at SIGSTOP, or behind a cut cable: nothing comes from the instance any more, until it moves again. */
  standStill(instance: string, on: boolean): void {
    if (on) this.#standing.add(instance);
    else this.#standing.delete(instance);
    for (const link of this.#links.get(instance) ?? []) link.hold(on);
  }

  call(options: CallOptions = {}, operation = 'stock.take'): Promise<CallResult> {
    const result = new PromisedResult();
    this.service.call(operation, input, options, result);
    return result.promise;
  }

  metric(name: string): string[] {
    return this.telemetry.metrics
      .render()
      .split('\n')
      .filter((line) => line.startsWith(name));
  }

  async end(): Promise<void> {
    this.service.close();
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  #take(instance: string): WireServer {
    const server = this.#servers.get(instance)!;
    this.#servers.delete(instance);
    return server;
  }

  #observed(inner: Transport): Transport {
    return {
      listen: (options) => inner.listen(options),
      dial: (options) => {
        const instance = options.expect?.instance ?? '';
        const links = this.#links.get(instance) ?? new Set();
        this.#links.set(instance, links);
        const observer = {
          linkOpened: (link: LinkControl) => {
            links.add(link);
            if (this.#standing.has(instance)) link.hold(true);
          },
          linkEnded: (link: LinkControl) => links.delete(link),
        };
        return inner.dial({ ...options, observer });
      },
    };
  }
}
