/** What can be wrong with a data directory: rights, room, leftovers of a dead run, a clock that went back. */

import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FleetRecord, readRecord } from '../data/fleet-record.ts';
import { type Layout, privacyProblem } from '../data/layout.ts';
import { isAlive } from '../data/process-identity.ts';
import { messageOf } from '../failure.ts';
import { type Finding, note, ok, problem } from './finding.ts';

const LEAST_FREE_BYTES = 200_000_000;
/** File systems keep coarser times than the clock. */
const CLOCK_TOLERANCE_MS = 5_000;

export function directoryFinding(layout: Layout): Finding {
  const check = 'data directory';
  const existing = nearestExisting(layout.root);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch (error) {
    return problem(
      check,
      messageOf(error),
      'give yourself the right to write there, or choose another with --data',
    );
  }
  return ok(
    check,
    existing === layout.root ? `${layout.root} can be written` : `${layout.root} can be created`,
  );
}

export function diskFinding(layout: Layout): Finding {
  const { bavail, bsize } = statfsSync(nearestExisting(layout.root));
  const free = bavail * bsize;
  const megabytes = `${Math.floor(free / 1_000_000)} MB free`;
  if (free >= LEAST_FREE_BYTES) return ok('disk space', megabytes);
  return problem(
    'disk space',
    `only ${megabytes} in ${layout.root}`,
    'make room, or choose another with --data',
  );
}

/** `run/` and what is secret in it. */
export function privacyFindings(layout: Layout): Finding[] {
  return [layout.run, layout.secretFile].filter(existsSync).map((path) => {
    const found = privacyProblem(path);
    return found === undefined
      ? ok('permissions', `${path} is private`)
      : problem('permissions', found.message, found.repair);
  });
}

/** What a supervisor that was killed left behind. Harmless, unless some of its processes still run. */
export function leftoverFinding(layout: Layout): Finding {
  const record = readRecord(layout.recordFile);
  if (record === undefined || isAlive(record.supervisor))
    return ok('lock', 'no dead run holds the data directory');
  return leftoversOf(record);
}

function leftoversOf({ supervisor, children }: FleetRecord): Finding {
  const living = children.filter(isAlive).map((child) => child.pid);
  const died = `the supervisor (pid ${supervisor.pid}) died without a clean stop`;
  if (living.length === 0) return note('lock', `${died}; the next flotilla up recovers`);
  return problem('lock', `${died} and left processes running`, `run: kill -9 ${living.join(' ')}`);
}

/** Tokens, candles and heartbeats need a clock that does not run behind what it already stamped. */
export function clockFinding(layout: Layout, now: number): Finding {
  const newest = Math.max(0, ...modificationTimes(layout.root), ...modificationTimes(layout.logs));
  const behind = newest - now;
  if (behind <= CLOCK_TOLERANCE_MS) return ok('clock', new Date(now).toISOString());
  return problem(
    'clock',
    `the clock says ${new Date(now).toISOString()}, ${Math.round(behind / 1_000)} s before the last write to the data directory`,
    'synchronise the clock (Linux: timedatectl set-ntp true)',
  );
}

function modificationTimes(directory: string): number[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap(
    (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? [],
  );
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}
