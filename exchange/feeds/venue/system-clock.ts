/** The real time, for a replay in a running service. */

import { setTimeout } from 'node:timers/promises';
import type { ReplayClock } from './replay.ts';

/** The longest wait that a Node timer can hold; a longer pause in a recording ends early by waiting again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const systemClock: ReplayClock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    const end = performance.now() + ms;
    for (let left = ms; left > 0 && !signal?.aborted; left = end - performance.now()) {
      await setTimeout(Math.min(left, MAX_TIMER_MS), undefined, { signal }).catch(ignoreAbort);
    }
  },
};

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
