/**
 * The service host: takes a service through its life. Configuration first, then the fleet, the service's own start, the
 * ports, the announcement; on the way out the same backwards, with the calls in flight finished in between.
 */
import { contractInfo, describe } from '../contract/contract.ts';
import type { Instance } from '../discovery/instance.ts';
import { answerMicro } from '../discovery/micro.ts';
import { platformError } from '../errors/flotilla-error.ts';
import { ControlDocument, emptyControl } from '../fleet/control-document.ts';
import { type FleetMember, joinFleet } from '../fleet/member.ts';
import { deriveToken } from '../fleet/secret.ts';
import type { WireServer } from '../rpc/channel.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';
import { readConfiguration } from './configuration.ts';
import { type PreparedService, prepareService } from './prepared-service.ts';
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
  /** Everything this process tells of itself. Whoever made it closes it, after `stop`. */
  readonly telemetry: Telemetry;
  /** What an operator has decided so far. */
  readonly control?: ControlDocument;
  /** Called when the service can no longer keep its promises (a commit failed) and the process must end. */
  readonly onFatal: (error: unknown) => void;
}

export interface RunningService {
  readonly self: Instance;
  /**
   * Applies what an operator decides for the fleet. A document that is none changes nothing, and is logged.
   */
  control(document: unknown): void;
  /**
   * Announces draining, says go-away, finishes what is in flight for at most `graceMs`, then closes everything. Safe to
   * call twice.
   */
  stop(graceMs: number): Promise<void>;
}

/** How long callers have to learn from discovery that this instance drains, before it says go-away. */
const drainNoticeMs = 50;
/** How long what is being published may take once nothing is handled any more, in milliseconds. */
const closeGraceMs = 2_000;

export async function startService(service: Service, options: HostOptions): Promise<RunningService> {
  const { spec, contract } = service;
  const { name } = contractInfo(contract);
  const { telemetry, instance, secret, environment, fleet, natsUrl, control = emptyControl } = options;
  const zone = environment.FLOTILLA_ZONE ?? 'local';
  const config = spec.config ? await readConfiguration(name, spec.config, environment) : {};
  const stopping = new AbortController();
  const parts: Partial<Parts> = {};
  try {
    const member = await joinFleet({
      service: name,
      instance,
      secret,
      fleet,
      natsUrl,
      zone,
      telemetry,
      heartbeats: 'called',
      control,
      ...(spec.policies ? { policies: spec.policies } : {}),
    });
    parts.member = member;
    const prepared = await prepareService(service, {
      ...options,
      config,
      caller: member,
      broker: { connection: member.connection, fleet },
      stopping: stopping.signal,
    });
    parts.prepared = prepared;
    const wire = await openWire(member, prepared, options);
    parts.wire = wire;
    const admin = await openAdmin(member, prepared, stopping.signal, options);
    parts.admin = admin;
    const self: Instance = {
      service: name,
      instance,
      version: spec.version ?? '0.0.0',
      contract: describe(contract).hash,
      address: wire.address,
      admin: admin.url,
      zone,
      weight: 1,
      state: 'ready',
      startedAt: Date.now(),
      pid: process.pid,
    };
    await prepared.listen();
    member.discovery.announce(self);
    const { calls } = prepared;
    const stopMicro = answerMicro({
      connection: member.connection,
      self,
      description: describe(contract).summary ?? name,
      stats: () => calls.stats(),
    });
    let stopped: Promise<void> | undefined;
    return {
      self,
      control(document) {
        const { success, data, error } = ControlDocument.safeParse(document);
        if (success) member.control(data);
        else telemetry.log.error('a control document of a wrong form was ignored', { error });
      },
      stop(graceMs) {
        stopMicro();
        stopped ??= drain({ member, prepared, wire, admin }, self, stopping, graceMs);
        return stopped;
      },
    };
  } catch (error) {
    stopping.abort(error);
    await Promise.allSettled([parts.admin?.close(), parts.wire?.close()]);
    await parts.prepared?.close(0);
    await parts.member?.leave();
    throw error;
  }
}

interface Parts {
  member: FleetMember;
  prepared: PreparedService;
  wire: WireServer;
  admin: AdminServer;
}

async function openWire(
  { identity, transport }: FleetMember,
  { dispatch }: PreparedService,
  options: HostOptions,
): Promise<WireServer> {
  const { metrics } = options.telemetry;
  const address = options.wireAddress ?? `tcp://${options.host ?? '127.0.0.1'}:0`;
  const wire = await transport.listen({ address, identity, dispatch });
  metrics.gauge('flotilla_server_in_flight', 'Calls being handled.', () => wire.inFlight);
  metrics.gauge('flotilla_server_connections', 'Connections to the wire port.', () => wire.connections);
  return wire;
}

function openAdmin(
  member: FleetMember,
  { dispatch }: PreparedService,
  stopping: AbortSignal,
  options: HostOptions,
): Promise<AdminServer> {
  return startAdminServer({
    host: options.host ?? '127.0.0.1',
    port: options.adminPort ?? 0,
    token: deriveToken(options.secret, 'admin'),
    telemetry: options.telemetry,
    member,
    readiness: () => (stopping.aborted ? { ready: false, reason: 'draining' } : { ready: true }),
    dispatch,
  });
}

async function drain(
  { member, prepared, wire, admin }: Parts,
  self: Instance,
  stopping: AbortController,
  graceMs: number,
): Promise<void> {
  member.discovery.announce({ ...self, state: 'draining' });
  await new Promise((resolve) => setTimeout(resolve, drainNoticeMs));
  stopping.abort(platformError('unavailable', `${self.instance} is stopping`));
  await Promise.all([wire.drain(graceMs), prepared.drain(graceMs)]);
  await prepared.close(closeGraceMs);
  await Promise.all([admin.close(), member.leave()]);
}
