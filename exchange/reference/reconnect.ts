/**
 * Holding on to a stream of another service that comes and goes: connect, and when it ends or fails, connect again,
 * without hammering a service that is starting and without giving up on one that is away for long.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface ReconnectOptions {
  /** Ends it. */
  readonly signal: AbortSignal;
  /**
   * Called once when it stops working, and at the third failure if it never worked: of services that start together,
   * one is always later. More failures may follow before `onBack`.
   */
  readonly onAway?: (error: unknown) => void;
  /** Called when it works again after `onAway`. */
  readonly onBack?: () => void;
  /** First pause in milliseconds; doubles up to `mostMs`. Defaults 100 and 1000. */
  readonly leastMs?: number;
  readonly mostMs?: number;
  /** Waits before the next attempt; whoever knows better may end it early. Default: a timer. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** For the jitter; default Math.random. */
  readonly random?: () => number;
}

const START_FAILURES = 2;

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
  const pause = options.pause ?? ((ms, until) => delay(ms, undefined, { signal: until }));
  let next = leastMs;
  let away = false;
  let tolerated = START_FAILURES;
  const healthy = (): void => {
    next = leastMs;
    tolerated = 0;
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
    if (tolerated > 0) {
      tolerated -= 1;
    } else if (!away) {
      away = true;
      onAway?.(failure);
    }
    try {
      await pause(next * (0.5 + random() / 2), signal);
    } catch {
      return;
    }
    next = Math.min(next * 2, mostMs);
  }
}
