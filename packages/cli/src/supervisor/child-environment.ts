/** The environment and arguments of each process of a fleet: the supervisor's half of the process protocol. */

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ControlDocument } from 'flotilla';
import { closedCompilers } from 'flotilla/idle-process';
import type { Environment, Fleet } from '../config/schema.ts';
import type { Layout } from '../data/layout.ts';
import type { UnitKind } from '../supervision/plan.ts';

/** A module to run, and those that it will need, which can be loaded before. */
export interface Program {
  readonly run: string;
  readonly preload: string;
}

/** What each kind of process runs: absolute paths of modules. */
export interface Programs {
  /** Loaded first by services and the gateway. */
  readonly boot: string;
  readonly broker: string;
  readonly gateway: Program;
  readonly service: Program;
}

export function installedPrograms(): Programs {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const own = (name: string): string => fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url));
  const installed = (name: string): string => fileURLToPath(import.meta.resolve(name));
  return {
    boot: own('boot-process'),
    broker: own('broker-process'),
    gateway: { run: installed('@flotilla/gateway/run'), preload: installed('@flotilla/gateway') },
    service: { run: installed('flotilla/run'), preload: installed('flotilla') },
  };
}

export interface Surroundings {
  readonly fleet: Fleet;
  /** Directory of the configuration file. */
  readonly directory: string;
  readonly layout: Layout;
  readonly programs: Programs;
  /** Environment of the supervisor. */
  readonly env: NodeJS.ProcessEnv;
  readonly gatewayHost: string;
}

/** What is known only while the fleet runs. */
export interface Addresses {
  readonly natsUrl: string | undefined;
  readonly gatewayPort: number;
  readonly brokerPort: number;
}

/** What an operator has decided until now. */
export interface Control {
  readonly document: ControlDocument;
}

/** Set by the supervisor for itself or per process, so never inherited. */
const OWN_VARIABLES = [
  'FLOTILLA_CONTROL',
  'FLOTILLA_SECRET',
  'FLOTILLA_SECRET_FILE',
  'FLOTILLA_DATA',
  'FLOTILLA_HOST',
  'FLOTILLA_GATEWAY_PORT',
  'FLOTILLA_BROKER_PORT',
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
];

/** Options of Node. */
export function childOptions(kind: UnitKind): string[] {
  // Node 24 still warns about features that it has made stable since: node:sqlite, type stripping.
  // They open their compilers themselves, when their code is loaded.
  const options = ['--disable-warning=ExperimentalWarning', ...closedCompilers];
  if (kind === 'broker') return options;
  // V8's own way of giving memory back collects for seconds after every collection of an idle process, and these trim
  // their heaps themselves (`restWhenIdle` of the core).
  return [...options, '--no-memory-reducer'];
}

export function childArguments(unit: string, kind: UnitKind, surroundings: Surroundings): string[] {
  const { programs, fleet, directory } = surroundings;
  const options = childOptions(kind);
  if (kind === 'broker') return [...options, programs.broker];
  const { run, preload } = programs[kind];
  const entry = kind === 'gateway' ? [] : [resolve(directory, fleet.services[unit]?.entry ?? '')];
  return [...options, programs.boot, preload, run, ...entry];
}

export function childEnvironment(
  unit: string,
  kind: UnitKind,
  instance: string,
  surroundings: Surroundings,
  addresses: Addresses,
  control: Control,
): NodeJS.ProcessEnv {
  const { fleet, layout, env } = surroundings;
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => !OWN_VARIABLES.includes(name)));
  return {
    // Compiled code of the last start: processes are ready sooner.
    NODE_COMPILE_CACHE: layout.cache,
    // glibc gives every thread an arena of its own, which costs an idle process 3 MB and brings Node next to nothing.
    MALLOC_ARENA_MAX: '1',
    ...inherited,
    ...asText(fleet.env),
    ...asText(unitEnvironment(unit, kind, fleet)),
    FLOTILLA_FLEET: fleet.name,
    FLOTILLA_SERVICE: unit,
    FLOTILLA_INSTANCE: instance,
    FLOTILLA_SECRET_FILE: layout.secretFile,
    FLOTILLA_DATA: layout.ownDirectory(unit),
    FLOTILLA_HOST: kind === 'gateway' ? surroundings.gatewayHost : '127.0.0.1',
    ...(kind === 'broker' ? {} : { FLOTILLA_CONTROL: JSON.stringify(control.document) }),
    ...(addresses.natsUrl === undefined ? {} : { NATS_URL: addresses.natsUrl }),
    ...(kind === 'gateway' ? gatewayEnvironment(fleet, addresses) : {}),
    ...(kind === 'broker' ? brokerEnvironment(fleet, addresses) : {}),
  };
}

function unitEnvironment(unit: string, kind: UnitKind, fleet: Fleet): Environment {
  if (kind === 'broker') return fleet.broker.env;
  if (kind === 'gateway') return fleet.gateway === false ? {} : fleet.gateway.env;
  return fleet.services[unit]?.env ?? {};
}

function gatewayEnvironment(fleet: Fleet, addresses: Addresses): NodeJS.ProcessEnv {
  const { port: _, env: __, ...settings } = fleet.gateway === false ? { env: {} } : fleet.gateway;
  return {
    FLOTILLA_GATEWAY_PORT: String(addresses.gatewayPort),
    FLOTILLA_GATEWAY_CONFIG: JSON.stringify(settings),
    FLOTILLA_GATEWAY_EXPECT: Object.keys(fleet.services).join(','),
  };
}

function brokerEnvironment(fleet: Fleet, addresses: Addresses): NodeJS.ProcessEnv {
  const { port: _, env: __, ...settings } = fleet.broker;
  return {
    FLOTILLA_BROKER_PORT: String(addresses.brokerPort),
    FLOTILLA_BROKER_CONFIG: JSON.stringify(settings),
  };
}

/** `{ DEBUG: process.env.DEBUG }` of a variable that is not set leaves it unset. */
function asText(environment: Environment): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
}
