/** Waiting in tests: for a condition, with a deadline, never for luck. */

import { setTimeout as sleep } from 'node:timers/promises';

/** What `look` returns, as soon as it is neither undefined nor false. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await sleep(10);
  }
}

/** Whether a process exists, zombies not counted. */
export { identify as processOf } from '../data/process-identity.ts';
