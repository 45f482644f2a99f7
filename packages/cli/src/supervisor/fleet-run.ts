/**
 * One run of a fleet on this machine: takes the data directory, starts the supervisor with its logs and its control
 * socket, and gives everything back at the end.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { deriveToken } from 'flotilla/secret';
import { type LoadedFleet, loadFleet } from '../config/load.ts';
import { type Flags, resolveSettings, type Settings } from '../config/settings.ts';
import { type ControlServer, type ControlTarget, serveControl } from '../control/server.ts';
import { chooseSocketPath } from '../control/socket-path.ts';
import { writeRecord } from '../data/fleet-record.ts';
import { type Layout, layoutOf, PRIVATE } from '../data/layout.ts';
import { identify } from '../data/process-identity.ts';
import { establishSecret } from '../data/secret.ts';
import { rememberCurrent } from '../data/which-fleet.ts';
import { Failure, messageOf } from '../failure.ts';
import type { LogEntry, LogLevel } from '../logs/entry.ts';
import { LogStore } from '../logs/log-store.ts';
import { scrubber } from '../logs/scrub.ts';
import { packageVersion } from '../package-version.ts';
import { Steering } from '../steering/steering.ts';
import type { StartFailure } from '../supervision/fleet-state.ts';
import { planOf } from '../supervision/plan.ts';
import { DEFAULT_POLICY, type Policy } from '../supervision/policy.ts';
import { BrokerBackups } from './broker-backups.ts';
import { spawnChild } from './child.ts';
import { childArguments, childEnvironment, installedPrograms, type Programs } from './child-environment.ts';
import { type Claim, claim } from './claim.ts';
import { FleetAddresses } from './fleet-addresses.ts';
import type { FleetEvent } from './fleet-event.ts';
import { changeLine, faultLine, restartLine } from './fleet-lines.ts';
import { checkPorts, type WantedPort } from './ports.ts';
import { fleetPresence, type Presence, type PresenceOptions } from './presence.ts';
import { StandbyPool } from './standby-pool.ts';
import { Supervisor } from './supervisor.ts';

const BROKER = 'broker';

/** Name under which the supervisor's own log lines appear. */
export const SUPERVISOR_LOG = 'flotilla';

/** Deaths are not announced for longer than this at the end: nobody is left to hear of them. */
const LEAVE_MS = 300;

export interface FleetRunOptions {
  /** Path given with --config. */
  readonly config?: string | undefined;
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Default: the installed broker, gateway and service host. */
  readonly programs?: Programs;
  readonly policy?: Policy;
  /** Default: a member of the fleet, over its broker. */
  readonly presence?: (options: PresenceOptions) => Presence;
  onLog(entry: LogEntry): void;
  onEvent(event: FleetEvent): void;
}

export interface FleetRun {
  readonly name: string;
  /** Width of the longest instance name. */
  readonly nameWidth: number;
  /** Resolves when nothing runs any more and the data directory is free; with why the start failed, if it did. */
  readonly ended: Promise<readonly StartFailure[]>;
  stop(): void;
  kill(): void;
}

/** @throws Failure when the fleet cannot even begin: configuration, ports, permissions, already running. */
export async function runFleet(options: FleetRunOptions): Promise<FleetRun> {
  const startedAt = performance.now();
  const { env, cwd } = options;
  const loaded = await loadFleet(options.config, cwd);
  const settings = resolveSettings(loaded.fleet, loaded.file, options.flags, env, cwd);
  const layout = layoutOf(settings.data);
  const claimed = await claim(layout);
  try {
    await checkPorts(wantedPorts(settings, loaded.fleet.gateway !== false));
    rememberCurrent(cwd, { data: settings.data, config: loaded.file });
    return await start({ options, loaded, settings, layout, claimed, startedAt });
  } catch (error) {
    claimed.release();
    throw error;
  }
}

interface Prepared {
  readonly options: FleetRunOptions;
  readonly loaded: LoadedFleet;
  readonly settings: Settings;
  readonly layout: Layout;
  readonly claimed: Claim;
  readonly startedAt: number;
}

async function start(prepared: Prepared): Promise<FleetRun> {
  const { options, layout, settings, claimed } = prepared;
  const { fleet, directory, file: config } = prepared.loaded;
  const plan = planOf(fleet, settings.natsUrl === undefined);
  for (const unit of plan) {
    mkdirSync(layout.ownDirectory(unit.name), { recursive: true, mode: PRIVATE });
  }
  const secret = establishSecret(layout.secretFile, options.env.FLOTILLA_SECRET);
  const socket = chooseSocketPath(layout.run);
  const addresses = new FleetAddresses(settings, socket.path);

  const tokens = (['broker', 'admin', 'control'] as const).map((purpose) => deriveToken(secret, purpose));
  const scrub = scrubber([secret, ...tokens]);
  const logNames = [...plan.map((unit) => unit.name), SUPERVISOR_LOG];
  const logs = new LogStore(logNames, layout.logFile, (error) =>
    say('error', `logs cannot be written and stay in memory only: ${messageOf(error)}`),
  );
  const addLog = (entry: LogEntry): void => {
    logs.add(entry);
    options.onLog(entry);
  };
  /** @param service whose log it belongs to: what is said of a service is found where people look for it. */
  const say = (level: LogLevel, msg: string, service = SUPERVISOR_LOG): void => {
    const time = new Date().toISOString();
    addLog({ time, level, service, instance: SUPERVISOR_LOG, msg: scrub(msg) });
  };

  const presence = (options.presence ?? fleetPresence)({
    fleet: fleet.name,
    secret,
    natsUrl: () => addresses.natsUrl,
    onError: (error) => say('warn', `cannot announce deaths on behalf of services: ${messageOf(error)}`),
  });
  const surroundings = {
    fleet,
    directory,
    layout,
    programs: options.programs ?? installedPrograms(),
    env: options.env,
    gatewayHost: settings.host,
  };
  const ended = Promise.withResolvers<readonly StartFailure[]>();
  const backups = new BrokerBackups();
  let control: ControlServer | undefined;
  let readySeconds: number | null = null;

  const standbys = new StandbyPool({
    width: availableParallelism(),
    spawn({ name: unit, kind }, instance, standby, listener) {
      const args = childArguments(unit, kind, surroundings);
      const env = childEnvironment(unit, kind, instance, surroundings, addresses, steering);
      const spec = { unit, instance, args, env: standby ? { ...env, FLOTILLA_STANDBY: '1' } : env };
      const child = spawnChild(spec, scrub, { ...listener, log: addLog });
      recordSoon();
      const start = (): void => {
        const known = childEnvironment(unit, kind, instance, surroundings, addresses, steering);
        const news = Object.entries(known).filter(([name, value]) => env[name] !== value);
        child.send({ type: 'start', env: Object.fromEntries(news) });
      };
      return { ...child, start };
    },
  });

  const supervisor = new Supervisor({
    plan,
    policy: options.policy ?? DEFAULT_POLICY,
    livenessTimeout({ name }) {
      const liveness = fleet.services[name]?.liveness ?? fleet.liveness;
      return liveness === false ? undefined : liveness.timeout;
    },
    spawn: (unit, instance, listener) => standbys.spawn(unit, instance, listener),
    prepare: (unit, instance) =>
      unit.kind === 'broker' ? Promise.resolve() : standbys.ready(unit, instance),
    heard: (unit, pid) => presence.heard(unit.name, pid),
    events: {
      announced(unit, { url }, child) {
        if (url !== undefined) addresses.learn(unit.kind, url);
        // What changed while it started may have come before it listened.
        if (unit.kind !== 'broker') child.send({ type: 'control', document: steering.document });
      },
      backup: (message) => backups.answered(message),
      changed(change) {
        if (change.service === BROKER && change.state !== 'ready') backups.lost();
        options.onEvent({ type: 'state', time: new Date().toISOString(), ...change });
        const line = changeLine(change);
        if (line !== undefined) say(change.state === 'failed' ? 'error' : 'warn', line, change.service);
        recordSoon();
      },
      ready() {
        readySeconds = Math.round(performance.now() - prepared.startedAt) / 1000;
        options.onEvent({
          type: 'ready',
          time: new Date().toISOString(),
          name: fleet.name,
          pid: process.pid,
          seconds: readySeconds,
          urls: addresses.urls,
          data: layout.root,
          instances: supervisor.instances(),
        });
        presence.prepare();
      },
      died: (death) => presence.report(death),
      wedged: ({ instance, reason }) => say('error', `${instance} is ${reason}; killing it`),
      stopped(failures) {
        const time = new Date().toISOString();
        options.onEvent(failures.length > 0 ? { type: 'failed', time, failures } : { type: 'stopped', time });
        void end(failures);
      },
    },
  });

  const steering = new Steering({
    plan,
    policies: fleet.policies,
    faultsAllowed: fleet.faults,
    config,
    processes: {
      serving: (service, instance) => supervisor.serving(service, instance),
      hold: (instance, held) => supervisor.hold(instance, held),
    },
    operations: (service) => presence.operations(service),
    push: (document) => supervisor.tellAll({ type: 'control', document }),
    onFault(change) {
      options.onEvent({ type: 'fault', time: new Date().toISOString(), ...change });
      say('warn', faultLine(change));
    },
  });
  const stop = (): void => {
    steering.close();
    supervisor.stop();
  };

  const end = async (failures: readonly StartFailure[]): Promise<void> => {
    steering.close();
    control?.close();
    await standbys.close();
    const left = presence.close().catch(() => {});
    await Promise.race([left, new Promise((resolve) => setTimeout(resolve, LEAVE_MS))]);
    logs.close();
    if (socket.directory !== undefined) rmSync(socket.directory, { recursive: true, force: true });
    claimed.release();
    ended.resolve(failures);
  };

  const self = identify(process.pid) ?? { pid: process.pid, started: '' };
  const record = (): void => {
    const { natsUrl, urls } = addresses;
    writeRecord(layout.recordFile, {
      name: fleet.name,
      config,
      supervisor: self,
      children: [...supervisor.pids, ...standbys.pids].flatMap((pid) => identify(pid) ?? []),
      socket: socket.path,
      ...(natsUrl === undefined ? {} : { natsUrl }),
      urls,
    });
  };
  let recordDue = false;
  /** Once for everything that happens in this turn, and after the spawns that it led to. */
  const recordSoon = (): void => {
    if (recordDue) return;
    recordDue = true;
    setImmediate(() => {
      recordDue = false;
      if (supervisor.mode !== 'stopped') record();
    });
  };

  const target: ControlTarget = {
    status: () => ({
      name: fleet.name,
      pid: process.pid,
      state: supervisor.mode,
      config,
      data: layout.root,
      startedAt: new Date(performance.timeOrigin + prepared.startedAt).toISOString(),
      readySeconds,
      urls: addresses.urls,
      version: packageVersion(),
    }),
    instances: () => supervisor.instances(),
    lastLogs: (query) => logs.last(query),
    followLogs: (listener) => logs.follow(listener),
    logNames,
    restart(name, rolling, follow) {
      return supervisor.restart(name, rolling, (progress) => {
        const line = rolling ? restartLine(progress) : undefined;
        if (line !== undefined)
          say(progress.stage === 'failed' ? 'error' : 'info', `rolling restart: ${line}`);
        follow(progress);
      });
    },
    async backup(directory) {
      if (settings.natsUrl !== undefined) throw foreignBroker();
      const [broker] = supervisor.serving(BROKER);
      if (broker === undefined) {
        const repair = 'try again when flotilla ps shows it as ready';
        throw new Failure('backup_failed', 'the broker is not ready', { repair });
      }
      await backups.request(broker.child, directory);
    },
    stop,
    steering,
  };
  control = await serveControl(socket.path, deriveToken(secret, 'control'), target);
  record();
  for (const leftover of claimed.leftovers) say('warn', leftover);
  supervisor.start();
  standbys.prepare(plan.filter((unit) => unit.kind !== 'broker'));
  return {
    name: fleet.name,
    nameWidth: Math.max(...plan.flatMap((unit) => unit.instances.map((name) => name.length))),
    ended: ended.promise,
    stop,
    kill() {
      steering.close();
      supervisor.kill();
    },
  };
}

function foreignBroker(): Failure {
  return new Failure(
    'broker_failed',
    'the fleet uses a NATS server of its own, which Flotilla does not back up',
    {
      repair: 'use the tools of NATS: nats account backup <directory>',
    },
  );
}

function wantedPorts(settings: Settings, withGateway: boolean): WantedPort[] {
  const { host, gatewayPort, brokerPort, natsUrl } = settings;
  const wanted: WantedPort[] = [];
  if (withGateway)
    wanted.push({ use: 'gateway', host, port: gatewayPort, variable: 'FLOTILLA_GATEWAY_PORT' });
  if (natsUrl === undefined) {
    wanted.push({ use: 'broker', host: '127.0.0.1', port: brokerPort, variable: 'FLOTILLA_BROKER_PORT' });
  }
  return wanted;
}
