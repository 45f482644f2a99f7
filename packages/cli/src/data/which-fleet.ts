/**
 * Which fleet a command talks to. In this order: --data, FLOTILLA_DATA, the directory of --config, the fleet that the
 * last `flotilla up` from this working directory started (it leaves `.flotilla/current` there, unless an earlier one
 * still runs), and the
 * flotilla.config.ts of this directory.
 */

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { configIn } from '../config/config-file.ts';
import { Failure } from '../failure.ts';
import { readRecord } from './fleet-record.ts';
import { layoutOf } from './layout.ts';
import { isAlive } from './process-identity.ts';

export interface Whereabouts {
  readonly data?: string;
  readonly config?: string;
}

export interface FoundFleet {
  /** Absolute path of the data directory. */
  readonly data: string;
  /** How it was found, for messages. */
  readonly because: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws Failure `not_running` when nothing here names a fleet. */
export function whichFleet(flags: Whereabouts, env: Env, cwd: string): FoundFleet {
  if (flags.data !== undefined) return { data: resolve(cwd, flags.data), because: 'given with --data' };
  if (env.FLOTILLA_DATA !== undefined && env.FLOTILLA_DATA !== '') {
    return { data: resolve(cwd, env.FLOTILLA_DATA), because: 'set in FLOTILLA_DATA' };
  }
  if (flags.config !== undefined) {
    const path = resolve(cwd, flags.config);
    const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return {
      data: join(isDirectory ? path : dirname(path), '.flotilla'),
      because: 'beside the --config file',
    };
  }
  const current = readCurrent(cwd);
  if (current !== undefined) return { data: current.data, because: 'of the last flotilla up from here' };
  if (configIn(cwd) !== undefined)
    return { data: join(cwd, '.flotilla'), because: 'of the flotilla.config.ts here' };
  throw new Failure('not_running', `no fleet was started from ${cwd}, and it has no flotilla.config.ts`, {
    repair:
      'run the command where flotilla up was run, or name the fleet with --data <directory> or --config <file>',
  });
}

export interface CurrentFleet {
  /** Absolute path of the data directory. */
  readonly data: string;
  /** Absolute path of the configuration file. */
  readonly config: string;
}

/**
 * Remembers, for commands run from `cwd`, which fleet was started last. One that still runs keeps its place, so that a
 * second fleet beside it (a test, say) does not hide it. A directory that cannot be written is left alone.
 */
export function rememberCurrent(cwd: string, { data, config }: CurrentFleet): void {
  const earlier = readCurrent(cwd);
  if (earlier !== undefined && earlier.data !== data && isRunning(earlier.data)) return;
  try {
    mkdirSync(join(cwd, '.flotilla'), { recursive: true });
    writeFileSync(join(cwd, '.flotilla', 'current'), `${data}\n${config}\n`);
  } catch {
    // Only a convenience: --data and --config work without it.
  }
}

function isRunning(data: string): boolean {
  const record = readRecord(layoutOf(data).recordFile);
  return record !== undefined && isAlive(record.supervisor);
}

export function readCurrent(cwd: string): CurrentFleet | undefined {
  try {
    const [data, config] = readFileSync(join(cwd, '.flotilla', 'current'), 'utf8').split('\n');
    return data && config ? { data, config } : undefined;
  } catch {
    return undefined;
  }
}
