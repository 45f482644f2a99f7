/**
 * The service host: takes a service through its life. Configuration and database first, then `start`, then the ports,
 * then the announcement; on the way out the same backwards, with the calls in flight finished in between.
 */
import { join } from 'node:path';
import { contractInfo, describe } from '../contract/contract.ts';
import type { Instance } from '../discovery/instance.ts';
import { platformError } from '../errors/flotilla-error.ts';
import { type FleetMember, joinFleet } from '../fleet/member.ts';
import { deriveToken } from '../fleet/secret.ts';
import type { WireServer } from '../rpc/channel.ts';
import type { CallScope } from '../rpc/client.ts';
import { clientFactory } from '../rpc/client.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { readMigrations } from '../store/migrations.ts';
import type { Logger } from '../telemetry/log.ts';
import { Metrics, processMetrics } from '../telemetry/metrics.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import { callMetrics } from './call-metrics.ts';
import { readConfiguration } from './configuration.ts';
import type { Clients, HostRuntime, Uses } from './context.ts';
import { createDispatch } from './dispatch.ts';
import type { Service } from './service.ts';

export interface HostOptions {
  readonly instance: string;
  readonly fleet: string;
  readonly secret: string;
  readonly natsUrl: string;
  /** Directory of this service's own files. */
  readonly dataDirectory: string;
  /** Interface of the wire and admin ports; default loopback. */
  readonly host?: string;
  /** Where the wire listens; default a free TCP port on `host`. */
  readonly wireAddress?: string;
  /** Default 0: a free port. */
  readonly adminPort?: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Called when the service can no longer keep its promises (a commit failed) and the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export interface RunningService {
  readonly self: Instance;
  readonly member: FleetMember;
  /**
   * Announces draining, says go-away, finishes what is in flight for at most `graceMs`, then closes everything. Safe to
   * call twice.
   */
  stop(graceMs: number): Promise<void>;
}

/** How long callers have to learn from discovery that this instance drains, before it says go-away. */
const drainNoticeMs = 50;

export async function startService(service: Service, options: HostOptions): Promise<RunningService> {
  const { spec, contract } = service;
  const { name } = contractInfo(contract);
  const { log, instance, secret, environment } = options;
  const config = spec.config ? await readConfiguration(name, spec.config, environment) : {};
  const stopping = new AbortController();
  const database = openServiceDatabase(service, options);
  let member: FleetMember | undefined;
  let wire: WireServer | undefined;
  let admin: AdminServer | undefined;
  try {
    member = await joinFleet({
      service: name,
      instance,
      secret,
      fleet: options.fleet,
      natsUrl: options.natsUrl,
      log,
    });
    const runtime = await startRuntime(service, options, config, database, member, stopping.signal);
    const metrics = new Metrics();
    processMetrics(metrics);
    const dispatch = createDispatch({
      service,
      runtime,
      metrics: callMetrics(metrics),
      log,
      stopping: stopping.signal,
    });
    const host = options.host ?? '127.0.0.1';
    const { identity, transport, discovery } = member;
    wire = await transport.listen({ address: options.wireAddress ?? `tcp://${host}:0`, identity, dispatch });
    const { address } = wire;
    metrics.gauge('flotilla_server_in_flight', 'Calls being handled.', () => wire!.inFlight);
    metrics.gauge('flotilla_server_connections', 'Connections to the wire port.', () => wire!.connections);
    admin = await startAdminServer({
      host,
      port: options.adminPort ?? 0,
      token: deriveToken(secret, 'admin'),
      metrics,
      readiness: () => (stopping.signal.aborted ? { ready: false, reason: 'draining' } : { ready: true }),
      dispatch,
    });
    const self: Instance = {
      service: name,
      instance,
      version: spec.version ?? '0.0.0',
      contract: describe(contract).hash,
      address,
      admin: admin.url,
      zone: environment.FLOTILLA_ZONE ?? 'local',
      weight: 1,
      state: 'ready',
      startedAt: Date.now(),
      pid: process.pid,
    };
    discovery.announce(self);
    const parts = { member, wire, admin, database, stopping, self };
    let stopped: Promise<void> | undefined;
    return {
      self,
      member,
      stop: (graceMs) => {
        stopped ??= stop(service, runtime.state, parts, graceMs);
        return stopped;
      },
    };
  } catch (error) {
    stopping.abort(error);
    await Promise.allSettled([admin?.close(), wire?.close(), member?.leave()]);
    database?.close();
    throw error;
  }
}

function openServiceDatabase({ spec, contract }: Service, options: HostOptions): Database | undefined {
  if (!spec.database) return undefined;
  return openDatabase({
    path: join(options.dataDirectory, `${contractInfo(contract).name}.sqlite`),
    migrations: readMigrations(spec.database.migrations),
    onFailure: options.onFatal,
  });
}

async function startRuntime(
  { spec, contract }: Service,
  { instance, log }: HostOptions,
  config: unknown,
  database: Database | undefined,
  member: FleetMember,
  signal: AbortSignal,
): Promise<HostRuntime<unknown, Uses, unknown>> {
  const { name } = contractInfo(contract);
  const factories = Object.entries(spec.uses ?? {}).map(([key, used]) => [key, clientFactory(used)] as const);
  const scopedClients = (scope?: CallScope): Clients<Uses> =>
    Object.fromEntries(factories.map(([key, make]) => [key, make(member, scope)]));
  const base = {
    service: name,
    instance,
    config,
    clients: scopedClients(),
    get database(): Database {
      if (database) return database;
      throw platformError(
        'internal',
        `${name} has no database: add \`database: { migrations }\` to the service`,
      );
    },
    log,
    signal,
    scopedClients,
  };
  const state = await spec.start?.(base);
  return Object.defineProperties(
    { state } as HostRuntime<unknown, Uses, unknown>,
    Object.getOwnPropertyDescriptors(base),
  );
}

interface Parts {
  readonly self: Instance;
  readonly member: FleetMember;
  readonly wire: WireServer;
  readonly admin: AdminServer;
  readonly database: Database | undefined;
  readonly stopping: AbortController;
}

async function stop({ spec }: Service, state: unknown, parts: Parts, graceMs: number): Promise<void> {
  const { self, member, wire, admin, database, stopping } = parts;
  member.discovery.announce({ ...self, state: 'draining' });
  await new Promise((resolve) => setTimeout(resolve, drainNoticeMs));
  stopping.abort(platformError('unavailable', `${self.instance} is stopping`));
  await wire.drain(graceMs);
  await spec.stop?.(state);
  await Promise.all([admin.close(), member.leave()]);
  database?.close();
}
