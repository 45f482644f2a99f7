/** All checks of `flotilla doctor`, in the order in which a start needs them. */

import { existsSync } from 'node:fs';
import { configIn } from '../config/config-file.ts';
import { type LoadedFleet, loadFleet } from '../config/load.ts';
import { FleetConfigError } from '../config/problem.ts';
import { resolveSettings } from '../config/settings.ts';
import { connectControl } from '../control/client.ts';
import { readRecord } from '../data/fleet-record.ts';
import { type Layout, layoutOf } from '../data/layout.ts';
import { isAlive } from '../data/process-identity.ts';
import type { Whereabouts } from '../data/which-fleet.ts';
import { readCurrent, whichFleet } from '../data/which-fleet.ts';
import { Failure, messageOf } from '../failure.ts';
import { withBroker } from '../streams/broker-session.ts';
import { brokerStatus } from '../streams/broker-status.ts';
import { portProblem } from '../supervisor/ports.ts';
import {
  clockFinding,
  directoryFinding,
  diskFinding,
  leftoverFinding,
  privacyFindings,
} from './data-checks.ts';
import { type Finding, note, ok, problem } from './finding.ts';
import { idleStoreFinding, runningStoreFindings } from './store-checks.ts';

type Env = Readonly<Record<string, string | undefined>>;

const LEAST_NODE = 24;

export async function examine(where: Whereabouts, env: Env, cwd: string): Promise<Finding[]> {
  const { findings, loaded } = await configFindings(where, cwd);
  const all = [nodeFinding(process.versions.node), ...findings];
  const layout = dataLayout(where, env, cwd);
  if (layout === undefined) return all;
  all.push(
    directoryFinding(layout),
    diskFinding(layout),
    ...privacyFindings(layout),
    leftoverFinding(layout),
    clockFinding(layout, Date.now()),
  );
  const record = readRecord(layout.recordFile);
  const running = record !== undefined && isAlive(record.supervisor);
  if (running) all.push(...(await fleetFindings(layout)));
  else
    all.push(
      await idleStoreFinding(layout),
      ...(await portFindings(loaded, env, cwd)),
      note('fleet', `no fleet is running on ${layout.root}`),
    );
  return all;
}

export function nodeFinding(version: string): Finding {
  const major = Number(version.split('.')[0]);
  if (major >= LEAST_NODE) return ok('node', version);
  return problem(
    'node',
    `${version} is too old`,
    `install Node ${LEAST_NODE} or newer from https://nodejs.org`,
  );
}

async function configFindings(
  where: Whereabouts,
  cwd: string,
): Promise<{ findings: Finding[]; loaded: LoadedFleet | undefined }> {
  const file = where.config ?? configIn(cwd) ?? currentConfig(cwd);
  try {
    const loaded = await loadFleet(file, cwd);
    return { findings: [ok('configuration', `${loaded.file} is valid`)], loaded };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const problems = error instanceof FleetConfigError ? error.problems : [];
    const findings = problems.map(({ path, message, repair }) =>
      problem('configuration', `${path}: ${message}`, repair),
    );
    const whole = problem('configuration', error.message, error.repair ?? 'correct the file');
    return { findings: findings.length > 0 ? findings : [whole], loaded: undefined };
  }
}

/** Where no configuration is named, the one of the last `up` from here. */
function currentConfig(cwd: string): string | undefined {
  const config = readCurrent(cwd)?.config;
  return config !== undefined && existsSync(config) ? config : undefined;
}

function dataLayout(where: Whereabouts, env: Env, cwd: string): Layout | undefined {
  try {
    return layoutOf(whichFleet(where, env, cwd).data);
  } catch (error) {
    // Nothing names a data directory; that there is no configuration either has been said.
    if (error instanceof Failure && error.code === 'not_running') return undefined;
    throw error;
  }
}

async function portFindings(loaded: LoadedFleet | undefined, env: Env, cwd: string): Promise<Finding[]> {
  if (loaded === undefined) return [];
  const { gatewayPort, brokerPort, host } = resolveSettings(loaded.fleet, loaded.file, {}, env, cwd);
  const wanted = [
    { use: 'gateway', host, port: gatewayPort, variable: 'FLOTILLA_GATEWAY_PORT' },
    { use: 'broker', host: '127.0.0.1', port: brokerPort, variable: 'FLOTILLA_BROKER_PORT' },
  ];
  return Promise.all(
    wanted.map(async (each) => {
      const found = await portProblem(each);
      if (found !== undefined) return problem('ports', found.message, found.repair);
      return ok(
        'ports',
        each.port === 0 ? `${each.use}: any free port` : `${each.port} (${each.use}) is free`,
      );
    }),
  );
}

async function fleetFindings(layout: Layout): Promise<Finding[]> {
  try {
    const found = { data: layout.root, because: 'being examined' };
    const control = connectControl(found);
    const [status, instances] = await Promise.all([control.status(), control.instances()]);
    const unready = instances.filter((each) => each.state !== 'ready');
    const findings = unready.map(({ instance, state, service }) =>
      problem('fleet', `${instance} is ${state}`, `see why with: flotilla logs ${service}`),
    );
    if (findings.length > 0) return findings;
    return [
      ok('fleet', `${status.name} is ${status.state}: ${instances.length} processes are ready`),
      ...(await withBroker(found, async (session) => {
        const { told, url } = await brokerStatus(session);
        return runningStoreFindings(told, url);
      })),
    ];
  } catch (error) {
    const repair = error instanceof Failure ? error.repair : undefined;
    return [problem('fleet', messageOf(error), repair ?? 'restart the fleet')];
  }
}
