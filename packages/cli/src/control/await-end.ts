/** Waits for a supervisor to be gone, after it was told to stop. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from '../data/process-identity.ts';
import { Failure } from '../failure.ts';

const POLL_MS = 20;
/** A clean stop takes under 5 s; this one hangs. */
const DEADLINE_MS = 10_000;

/** @throws Failure `internal` when it is still there after 10 s. */
export async function awaitEnd(supervisor: ProcessIdentity, deadlineMs = DEADLINE_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (isAlive(supervisor)) {
    if (performance.now() >= deadline) {
      throw new Failure('internal', `the supervisor (pid ${supervisor.pid}) still runs`, {
        repair: `kill it with: kill -9 ${supervisor.pid}; its processes end with it`,
      });
    }
    await sleep(POLL_MS);
  }
}
