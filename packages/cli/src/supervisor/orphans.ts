/**
 * Processes that outlived their supervisor. Children leave by themselves when it is gone; one that hangs would still
 * hold its database and its ports when the next fleet starts, so it is given a moment and then killed.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from '../data/process-identity.ts';

const GRACE_MS = 5_000;
const POLL_MS = 25;

/** Resolves when none of them runs; returns those that had to be killed. */
export async function awaitOrphans(
  children: readonly ProcessIdentity[],
  graceMs = GRACE_MS,
): Promise<readonly ProcessIdentity[]> {
  const deadline = performance.now() + graceMs;
  let living = children.filter(isAlive);
  while (living.length > 0 && performance.now() < deadline) {
    await sleep(POLL_MS);
    living = living.filter(isAlive);
  }
  const killed = living;
  for (const { pid } of killed) kill(pid);
  while (living.length > 0) {
    await sleep(POLL_MS);
    living = living.filter(isAlive);
  }
  return killed;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended between the look and the signal.
  }
}
