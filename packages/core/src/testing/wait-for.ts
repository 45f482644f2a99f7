/** Waiting for a condition, never for luck. */
import { platformError } from '../errors/flotilla-error.ts';

export interface WaitOptions {
  /** Milliseconds until it gives up; default 10 000. */
  readonly timeoutMs?: number;
  /** What is waited for, for the message. */
  readonly what?: string;
}

/**
 * Polls until `probe` gives something other than undefined or false, and returns that. What the probe throws counts as
 * not yet; the last of it is the cause when time runs out.
 */
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const { timeoutMs = 10_000, what = 'the condition' } = options;
  const giveUpAt = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > giveUpAt) {
      throw platformError('deadline_exceeded', `waited ${timeoutMs} ms in vain for ${what}`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
