/** Takes a data directory for one run: one supervisor at a time, and nothing left of a run that died. */

import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { readRecord } from '../data/fleet-record.ts';
import { createLayout, type Layout } from '../data/layout.ts';
import { acquireLock, type Lock } from '../data/lock.ts';
import { isAlive } from '../data/process-identity.ts';
import { Failure } from '../failure.ts';
import { awaitOrphans } from './orphans.ts';

export interface Claim {
  /** What a dead run left and what was done about it, for the log. */
  readonly leftovers: readonly string[];
  /** Gives the directory back. */
  release(): void;
}

/** @throws Failure `already_running`, or `unsafe_permissions` when the directory cannot be used. */
export async function claim(layout: Layout): Promise<Claim> {
  createLayout(layout);
  const lock = acquireLock(layout.lockFile);
  if (lock === undefined) throw alreadyRunning(layout);
  try {
    return { leftovers: await clearDeadRun(layout), release: () => release(layout, lock) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function release(layout: Layout, lock: Lock): void {
  for (const left of [layout.secretFile, layout.recordFile]) rmSync(left, { force: true });
  lock.release();
}

function alreadyRunning(layout: Layout): Failure {
  const pid = readRecord(layout.recordFile)?.supervisor.pid;
  const who = pid === undefined ? '' : ` (supervisor pid ${pid})`;
  return new Failure('already_running', `a fleet is already running on ${layout.root}${who}`, {
    repair: `stop it with: flotilla stop --data '${layout.root}'; or use another directory with --data`,
    data: { pid: pid ?? null, data: layout.root },
  });
}

/** We hold the lock: whatever is in `run/` belongs to nobody. */
async function clearDeadRun(layout: Layout): Promise<string[]> {
  const dead = readRecord(layout.recordFile);
  rmSync(layout.recordFile, { force: true });
  if (dead === undefined) return [];
  const { supervisor, socket, children } = dead;
  const said = [
    `the last supervisor (pid ${supervisor.pid}) did not stop cleanly; recovering its data directory`,
  ];
  const killed = await awaitOrphans(children.filter(isAlive));
  if (killed.length > 0) {
    const pids = killed.map(({ pid }) => pid).join(', ');
    said.push(`processes that it left behind did not end by themselves and were killed: pid ${pids}`);
  }
  const directory = dirname(socket);
  rmSync(directory === layout.run ? socket : directory, { recursive: true, force: true });
  return said;
}
