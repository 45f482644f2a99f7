/**
 * One run of a fleet on this machine: takes the data directory, clears what a dead run left, starts the supervisor with
 * its logs and its control socket, and gives everything back at the end.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { deriveToken } from 'flotilla/secret';
import { loadFleet } from '../config/load.ts';
import { type Flags, resolveSettings, type Settings } from '../config/settings.ts';
import { type ControlServer, serveControl } from '../control/server.ts';
import { chooseSocketPath } from '../control/socket-path.ts';
import { type FleetRecord, type FleetUrls, readRecord, writeRecord } from '../data/fleet-record.ts';
import { createLayout, type Layout, layoutOf } from '../data/layout.ts';
import { acquireLock, type Lock } from '../data/lock.ts';
import { identify, isAlive } from '../data/process-identity.ts';
import { establishSecret } from '../data/secret.ts';
import { rememberCurrent } from '../data/which-fleet.ts';
import { Failure, messageOf } from '../failure.ts';
import type { LogEntry, LogLevel } from '../logs/entry.ts';
import { LogStore } from '../logs/log-store.ts';
import { scrubber } from '../logs/scrub.ts';
import { packageVersion } from '../package-version.ts';
import type { StartFailure } from '../supervision/fleet-state.ts';
import { planOf } from '../supervision/plan.ts';
import { DEFAULT_POLICY, type Policy } from '../supervision/policy.ts';
import { spawnChild } from './child.ts';
import {
  childArguments,
  childEnvironment,
  installedPrograms,
  type Programs,
  type Surroundings,
} from './child-environment.ts';
import type { FleetEvent } from './fleet-event.ts';
import { goodbyeSayer } from './goodbye.ts';
import { awaitOrphans } from './orphans.ts';
import { checkPorts } from './ports.ts';
import { Supervisor } from './supervisor.ts';

/** Name under which the supervisor's own log lines appear. */
export const SUPERVISOR_LOG = 'flotilla';

export interface FleetRunOptions {
  /** Path given with --config. */
  readonly config?: string | undefined;
  readonly flags: Flags;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Default: the installed broker, gateway and service host. */
  readonly programs?: Programs;
  readonly policy?: Policy;
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

export async function runFleet(options: FleetRunOptions): Promise<FleetRun> {
  const startedAt = performance.now();
  const { env, cwd } = options;
  const { fleet, file: config, directory } = await loadFleet(options.config, cwd);
  const settings = resolveSettings(fleet, config, options.flags, env, cwd);
  const layout = layoutOf(settings.data);
  createLayout(layout);
  const lock = takeLock(layout);
  try {
    const leftovers = await clearDeadRun(layout);
    await checkPorts(wantedPorts(settings, fleet.gateway !== false));
    rememberCurrent(cwd, { data: settings.data, config });
    return await start({
      ...options,
      fleet,
      config,
      directory,
      settings,
      layout,
      lock,
      leftovers,
      startedAt,
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Prepared extends FleetRunOptions {
  readonly fleet: Surroundings['fleet'];
  readonly config: string;
  readonly directory: string;
  readonly settings: Settings;
  readonly layout: Layout;
  readonly lock: Lock;
  readonly leftovers: readonly string[];
  readonly startedAt: number;
}

async function start(prepared: Prepared): Promise<FleetRun> {
  const { fleet, layout, settings, env, lock } = prepared;
  const plan = planOf(fleet, settings.natsUrl === undefined);
  const nameWidth = Math.max(...plan.flatMap((unit) => unit.instances.map((name) => name.length)));
  for (const unit of plan) mkdirSync(layout.ownDirectory(unit.name), { recursive: true });

  const secret = establishSecret(layout.secretFile, env.FLOTILLA_SECRET);
  const tokens = (['broker', 'admin', 'control'] as const).map((purpose) => deriveToken(secret, purpose));
  const scrub = scrubber([secret, ...tokens]);
  const logNames = [...plan.map((unit) => unit.name), SUPERVISOR_LOG];
  const logs = new LogStore(logNames, layout.logFile, (error) =>
    say('error', `logs cannot be written and stay in memory only: ${messageOf(error)}`),
  );
  const addLog = (entry: LogEntry): void => {
    logs.add(entry);
    prepared.onLog(entry);
  };
  const say = (level: LogLevel, msg: string): void => {
    const time = new Date().toISOString();
    addLog({ time, level, service: SUPERVISOR_LOG, instance: SUPERVISOR_LOG, msg: scrub(msg) });
  };
  for (const leftover of prepared.leftovers) say('warn', leftover);

  const socket = chooseSocketPath(layout.run);
  let urls: FleetUrls = {
    control: `unix:${socket.path}`,
    ...(settings.natsUrl === undefined ? {} : { broker: withoutCredentials(settings.natsUrl) }),
  };
  const addresses = {
    natsUrl: settings.natsUrl,
    gatewayPort: settings.gatewayPort,
    brokerPort: settings.brokerPort,
  };
  const surroundings: Surroundings = {
    fleet,
    directory: prepared.directory,
    layout,
    programs: prepared.programs ?? installedPrograms(),
    env,
    gatewayHost: settings.host,
  };
  const goodbye = goodbyeSayer({
    fleet: fleet.name,
    secret,
    natsUrl: () => addresses.natsUrl,
    onError: (error) => say('warn', `cannot announce deaths on behalf of services: ${messageOf(error)}`),
  });

  let readySeconds: number | null = null;
  let control: ControlServer | undefined;
  const ended = Promise.withResolvers<readonly StartFailure[]>();

  const supervisor = new Supervisor({
    plan,
    policy: prepared.policy ?? DEFAULT_POLICY,
    spawn(unit, instance, listener) {
      const child = spawnChild(
        {
          unit: unit.name,
          instance,
          args: childArguments(unit.name, unit.kind, surroundings),
          env: childEnvironment(unit.name, unit.kind, instance, surroundings, addresses),
        },
        scrub,
        { ...listener, log: addLog },
      );
      return child;
    },
    events: {
      announced(unit, { url }) {
        if (url === undefined) return;
        if (unit.kind === 'broker') {
          // From now on it is this port, even where any free one was asked for.
          Object.assign(addresses, { natsUrl: url, brokerPort: Number(new URL(url).port) });
          urls = { ...urls, broker: url };
        } else if (unit.kind === 'gateway') {
          addresses.gatewayPort = Number(new URL(url).port);
          urls = { ...urls, gateway: url, openapi: new URL('/openapi.json', url).href };
        }
        recordSoon();
      },
      changed(change) {
        prepared.onEvent({ type: 'state', time: new Date().toISOString(), ...change });
        const line = lineOf(change.instance, change.state, change.reason, change.delayMs);
        if (line !== undefined) say(change.state === 'failed' ? 'error' : 'warn', line);
        recordSoon();
      },
      ready() {
        readySeconds = Math.round(performance.now() - prepared.startedAt) / 1000;
        prepared.onEvent({
          type: 'ready',
          time: new Date().toISOString(),
          name: fleet.name,
          pid: process.pid,
          seconds: readySeconds,
          urls,
          data: layout.root,
          instances: supervisor.instances(),
        });
        goodbye.prepare();
      },
      died: (death) => goodbye.report(death),
      stopped(failures) {
        const time = new Date().toISOString();
        prepared.onEvent(
          failures.length > 0 ? { type: 'failed', time, failures } : { type: 'stopped', time },
        );
        void end(failures);
      },
    },
  });

  const end = async (failures: readonly StartFailure[]): Promise<void> => {
    control?.close();
    await Promise.race([goodbye.close().catch(() => {}), new Promise((done) => setTimeout(done, 300))]);
    logs.close();
    for (const left of [layout.secretFile, layout.recordFile, socket.directory]) {
      if (left !== undefined) rmSync(left, { recursive: true, force: true });
    }
    lock.release();
    ended.resolve(failures);
  };

  const self = identify(process.pid) ?? { pid: process.pid, started: '' };
  const record = (): void => {
    const children = supervisor.pids.flatMap((pid) => identify(pid) ?? []);
    const next: FleetRecord = {
      name: fleet.name,
      config: prepared.config,
      supervisor: self,
      children,
      socket: socket.path,
      ...(addresses.natsUrl === undefined ? {} : { natsUrl: addresses.natsUrl }),
      urls,
    };
    writeRecord(layout.recordFile, next);
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

  control = await serveControl(socket.path, deriveToken(secret, 'control'), {
    status: () => ({
      name: fleet.name,
      pid: process.pid,
      state: supervisor.mode,
      config: prepared.config,
      data: layout.root,
      startedAt: new Date(Date.now() - (performance.now() - prepared.startedAt)).toISOString(),
      readySeconds,
      urls,
      version: packageVersion(),
    }),
    instances: () => supervisor.instances(),
    lastLogs: (query) => logs.last(query),
    followLogs: (listener) => logs.follow(listener),
    logNames,
    restart: (name) => supervisor.restart(name),
    stop: () => supervisor.stop(),
  });
  record();
  supervisor.start();
  return {
    name: fleet.name,
    nameWidth,
    ended: ended.promise,
    stop: () => supervisor.stop(),
    kill: () => supervisor.kill(),
  };
}

function takeLock(layout: Layout): Lock {
  const lock = acquireLock(layout.lockFile);
  if (lock !== undefined) return lock;
  const pid = readRecord(layout.recordFile)?.supervisor.pid;
  throw new Failure(
    'already_running',
    `a fleet is already running on ${layout.root}${pid === undefined ? '' : ` (supervisor pid ${pid})`}`,
    {
      repair: `stop it with: flotilla stop --data '${layout.root}'; or use another directory with --data`,
      data: { pid: pid ?? null, data: layout.root },
    },
  );
}

/** We hold the lock: whatever is in `run/` belongs to nobody. Returns what there was to clear, for the log. */
async function clearDeadRun(layout: Layout): Promise<string[]> {
  const dead = readRecord(layout.recordFile);
  rmSync(layout.recordFile, { force: true });
  if (dead === undefined) return [];
  const { supervisor, socket } = dead;
  const said = [
    `the last supervisor (pid ${supervisor.pid}) did not stop cleanly; recovering its data directory`,
  ];
  const living = dead.children.filter(isAlive);
  const killed = await awaitOrphans(living);
  if (killed.length > 0) {
    const pids = killed.map(({ pid }) => pid).join(', ');
    said.push(`processes that it left behind did not end by themselves and were killed: pid ${pids}`);
  }
  const elsewhere = dirname(socket);
  rmSync(elsewhere === layout.run ? socket : elsewhere, { recursive: true, force: true });
  return said;
}

function wantedPorts(settings: Settings, withGateway: boolean) {
  const gateway = {
    use: 'gateway',
    host: settings.host,
    port: settings.gatewayPort,
    variable: 'FLOTILLA_GATEWAY_PORT',
  };
  const broker = {
    use: 'broker',
    host: '127.0.0.1',
    port: settings.brokerPort,
    variable: 'FLOTILLA_BROKER_PORT',
  };
  return [...(withGateway ? [gateway] : []), ...(settings.natsUrl === undefined ? [broker] : [])];
}

function lineOf(
  instance: string,
  state: string,
  reason: string | undefined,
  delayMs: number | undefined,
): string | undefined {
  if (state === 'failed') return `${instance} cannot start: ${reason ?? 'no reason given'}`;
  if (state === 'backoff') return `${instance} died: ${reason}; restarting it in ${delayMs} ms`;
  if (state === 'stopped' && reason !== undefined) return `${instance}: ${reason}`;
  return undefined;
}

function withoutCredentials(url: string): string {
  const clean = new URL(url);
  clean.username = '';
  clean.password = '';
  return clean.href.replace(/\/$/, '');
}
