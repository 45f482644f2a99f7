/** What an operator may set from outside: ports, host and data directory. A flag beats the environment beats the file. */

import { dirname, resolve } from 'node:path';
import { Failure } from '../failure.ts';
import type { Fleet } from './schema.ts';

export const DEFAULT_GATEWAY_PORT = 8080;
export const DEFAULT_BROKER_PORT = 8422;
export const DEFAULT_HOST = '127.0.0.1';

export interface Flags {
  readonly gatewayPort?: string;
  readonly brokerPort?: string;
  readonly host?: string;
  readonly data?: string;
}

export interface Settings {
  /** 0 means any free port. */
  readonly gatewayPort: number;
  readonly brokerPort: number;
  /** Where the gateway listens. Everything else stays on loopback. */
  readonly host: string;
  /** Absolute path of the data directory. */
  readonly data: string;
  /** An external NATS server used instead of the embedded broker. */
  readonly natsUrl: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws Failure `usage` for a port that is none. */
export function resolveSettings(
  fleet: Fleet,
  configFile: string,
  flags: Flags,
  env: Env,
  cwd: string,
): Settings {
  const gateway = fleet.gateway === false ? undefined : fleet.gateway.port;
  return {
    gatewayPort: port(
      ['--gateway-port', flags.gatewayPort],
      ['FLOTILLA_GATEWAY_PORT', env.FLOTILLA_GATEWAY_PORT],
      gateway ?? DEFAULT_GATEWAY_PORT,
    ),
    brokerPort: port(
      ['--broker-port', flags.brokerPort],
      ['FLOTILLA_BROKER_PORT', env.FLOTILLA_BROKER_PORT],
      fleet.broker.port ?? DEFAULT_BROKER_PORT,
    ),
    host: flags.host ?? DEFAULT_HOST,
    data: dataDirectory(configFile, flags.data, env, cwd),
    natsUrl: env.NATS_URL === undefined || env.NATS_URL === '' ? undefined : env.NATS_URL,
  };
}

export function dataDirectory(configFile: string, flag: string | undefined, env: Env, cwd: string): string {
  const given = flag ?? (env.FLOTILLA_DATA === '' ? undefined : env.FLOTILLA_DATA);
  return given === undefined ? resolve(dirname(configFile), '.flotilla') : resolve(cwd, given);
}

type Source = readonly [name: string, value: string | undefined];

function port(flag: Source, variable: Source, otherwise: number): number {
  for (const [name, value] of [flag, variable]) {
    if (value !== undefined && value !== '') return parsePort(name, value);
  }
  return otherwise;
}

export function parsePort(name: string, value: string): number {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (number <= 65_535) return number;
  throw new Failure('usage', `${name} is "${value}", which is not a port`, {
    repair: 'use a number from 1 to 65535, or 0 for any free port',
  });
}
