/**
 * Holding on to a stream of another service that comes and goes: connect, and when it ends or fails, connect again,
 * without hammering a service that is starting and without giving up on one that is away for long.
 */
import { setTimeout as pause } from 'node:timers/promises';

export interface ReconnectOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called at the first failure after things went well; `failures` more may follow before it works again. */
  readonly onAway?: (error: unknown) => void;
  /** Called when it works again after `onAway`. */
  readonly onBack?: () => void;
  /** First pause in milliseconds; doubles up to `mostMs`. Defaults 100 and 1000. */
  readonly leastMs?: number;
  readonly mostMs?: number;
  /** For the jitter; default Math.random. */
  readonly random?: () => number;
}

/**
 * Runs `connect` until `signal` aborts; resolves then. `connect` calls `healthy` when it got something, which resets
 * the pause, and returns or throws when the stream is over. A stream that ends without an error counts as a failure:
 * its service is stopping.
 */
export async function reconnecting(
  connect: (healthy: () => void) => Promise<void>,
  options: ReconnectOptions,
): Promise<void> {
  const { signal, onAway, onBack, leastMs = 100, mostMs = 1_000, random = Math.random } = options;
  let next = leastMs;
  let away = false;
  const healthy = (): void => {
    next = leastMs;
    if (away) {
      away = false;
      onBack?.();
    }
  };
  while (!signal.aborted) {
    let failure: unknown;
    try {
      await connect(healthy);
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    if (!away) {
      away = true;
      onAway?.(failure);
    }
    try {
      await pause(next * (0.5 + random() / 2), undefined, { signal });
    } catch {
      return;
    }
    next = Math.min(next * 2, mostMs);
  }
}
