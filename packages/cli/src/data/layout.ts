/**
 * The data directory of a fleet: what lies where, and who may read it.
 *
 *     run/       0700: secret, lock, fleet.json (pid, urls, children), control.sock; only while the fleet runs
 *     logs/      <service>.jsonl and its rotated predecessors
 *     services/  <service>/: each service's own files
 *     broker/, gateway/, cache/
 *
 * All that is created here is for this user alone, whatever the umask: identity keeps its signing key in it.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, Failure, messageOf } from '../failure.ts';
import { makeDirectory } from './make-directory.ts';

export interface Layout {
  readonly root: string;
  readonly run: string;
  readonly logs: string;
  readonly cache: string;
  readonly secretFile: string;
  readonly lockFile: string;
  readonly recordFile: string;
  /** A service's own directory; the broker and the gateway have theirs beside `services/`. */
  ownDirectory(unit: string): string;
  logFile(unit: string): string;
}

export function layoutOf(root: string): Layout {
  const run = join(root, 'run');
  const logs = join(root, 'logs');
  return {
    root,
    run,
    logs,
    cache: join(root, 'cache'),
    secretFile: join(run, 'secret'),
    lockFile: join(run, 'lock'),
    recordFile: join(run, 'fleet.json'),
    ownDirectory: (unit) =>
      unit === 'broker' || unit === 'gateway' ? join(root, unit) : join(root, 'services', unit),
    logFile: (unit) => join(logs, `${unit}.jsonl`),
  };
}

/** Mode of every directory that a fleet creates. */
export const PRIVATE = 0o700;

/** @throws Failure `unsafe_permissions` when it cannot be written, or others could read `run/`. */
export function createLayout(layout: Layout): void {
  try {
    const parts = [layout.run, layout.logs, layout.cache, join(layout.root, 'services')];
    for (const part of parts) makeDirectory(part, PRIVATE);
  } catch (error) {
    throw new Failure('unsafe_permissions', `the data directory cannot be written: ${messageOf(error)}`, {
      cause: error,
      repair: 'choose another with --data or FLOTILLA_DATA, or give yourself the right to write there',
    });
  }
  const problem = privacyProblem(layout.run);
  if (problem !== undefined)
    throw new Failure('unsafe_permissions', problem.message, { repair: problem.repair });
}

/** Why a path is not private to this user, or undefined when it is. */
export function privacyProblem(path: string): { message: string; repair: string } | undefined {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (error) {
    const missing = codeOf(error) === 'ENOENT';
    return {
      message: missing ? `${path} does not exist` : messageOf(error),
      repair: 'start the fleet with flotilla up',
    };
  }
  const uid = process.getuid?.();
  if (uid !== undefined && Number(stat.uid) !== uid) {
    return {
      message: `${path} belongs to user ${stat.uid}, and you are user ${uid}`,
      repair: `remove it as its owner, or choose another data directory with --data`,
    };
  }
  const mode = Number(stat.mode) & 0o777;
  if ((mode & 0o077) !== 0) {
    const wanted = stat.isDirectory() ? '700' : '600';
    return {
      message: `${path} is open to other users (mode ${mode.toString(8)})`,
      repair: `run: chmod ${wanted} '${path}'`,
    };
  }
  return undefined;
}
