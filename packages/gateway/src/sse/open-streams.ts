/**
 * All event streams that are open: opens one within the bound, serves it, and can end all of them at once. A stream is
 * cancelled at the service by one signal, whether its client went away or the gateway drains.
 */
import type { ResponseStream } from '../data-plane/data-plane.ts';
import { Refusal } from '../refusal.ts';
import type { EventFormatter } from './event-format.ts';
import { drainReason, type StreamEnd, serveEvents } from './event-stream.ts';

/** A stream's headers wait this long for its first item, so that an immediate failure still has its own status. */
const firstItemMs = 250;

export interface StreamTimes {
  /** Most streams at once. */
  readonly streams: number;
  readonly heartbeatMs: number;
  readonly stalledMs: number;
}

export interface StreamToServe {
  /** Opens the stream at the service, to be cancelled by `signal`. */
  readonly open: (signal: AbortSignal) => AsyncIterableIterator<Buffer>;
  /** Aborts when the client goes away. */
  readonly clientGone: AbortSignal;
  /** Sends the response's headers. */
  readonly start: () => ResponseStream;
  readonly format: EventFormatter;
  /** The event that tells the client of a failure. */
  readonly onError: (error: unknown) => string;
}

export class OpenStreams {
  readonly #times: StreamTimes;
  readonly #open = new Set<AbortController>();

  constructor(times: StreamTimes) {
    this.#times = times;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Ends all streams as if their services had. */
  endAll(): void {
    for (const stream of this.#open) stream.abort(drainReason);
  }

  /**
   * Serves a stream to its end.
   *
   * @throws Refusal `overloaded` beyond the bound; whatever the service answers before the headers are sent.
   */
  async serve({ open, clientGone, start, format, onError }: StreamToServe): Promise<StreamEnd> {
    const { streams, heartbeatMs, stalledMs } = this.#times;
    if (this.#open.size >= streams) {
      throw new Refusal('overloaded', 'the gateway holds as many streams as it can: try again', {
        retryAfterMs: 5_000,
      });
    }
    const abort = new AbortController();
    const onGone = () => abort.abort(clientGone.reason);
    if (clientGone.aborted) onGone();
    else clientGone.addEventListener('abort', onGone, { once: true });
    this.#open.add(abort);
    try {
      const items = open(abort.signal);
      const first = items.next();
      await settled(first, firstItemMs).catch((error: unknown) => {
        throw abort.signal.reason === drainReason ? draining() : error;
      });
      const { signal } = abort;
      return await serveEvents(items, first, start(), { format, heartbeatMs, stalledMs, signal, onError });
    } finally {
      this.#open.delete(abort);
    }
  }
}

/** Waits for `promise`, but no longer than `ms`. */
async function settled(promise: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([promise, enough]);
  } finally {
    clearTimeout(timer);
  }
}

function draining(): Refusal {
  return new Refusal('unavailable', 'the gateway is stopping: try again', { retryAfterMs: 1_000 });
}
