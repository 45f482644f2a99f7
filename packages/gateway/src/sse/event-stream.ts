/**
 * Serves one stream to one client. The next item is asked for only when the client has taken the last ones, so that a
 * slow client holds the service back through the wire's window, and costs at most that window here. An idle stream
 * gets heartbeats; a client that takes nothing for too long is cut off.
 */
import type { ResponseStream } from '../data-plane/data-plane.ts';
import { type EventFormatter, heartbeat, reconnectAfter } from './event-format.ts';

/** How long a client should wait before it comes back, in milliseconds. */
const reconnectMs = 1_000;

export interface EventStreamOptions {
  readonly format: EventFormatter;
  readonly heartbeatMs: number;
  /** A client that takes no bytes for this long is cut off, in milliseconds. */
  readonly stalledMs: number;
  /** What the service's stream was opened with. Aborted by {@link drainReason}, it ends as if the service had ended it. */
  readonly signal: AbortSignal;
  /** What is written, before the end, when the service fails. */
  readonly onError: (error: unknown) => string;
}

/** The reason with which a draining gateway aborts its streams. */
export const drainReason: unique symbol = Symbol('drain');

/** How a stream came to its end. */
export type StreamEnd = 'ended' | 'failed' | 'client gone' | 'stalled' | 'drained';

/**
 * @param items the service's stream.
 * @param first its first answer, already asked for.
 */
export async function serveEvents(
  items: AsyncIterator<Buffer>,
  first: Promise<IteratorResult<Buffer>>,
  out: ResponseStream,
  options: EventStreamOptions,
): Promise<StreamEnd> {
  const { format, heartbeatMs, stalledMs, signal, onError } = options;
  let quietSince = performance.now();
  let waitingForRoom = false;
  out.write(reconnectAfter(reconnectMs));
  const beat = setInterval(() => {
    if (waitingForRoom || performance.now() - quietSince < heartbeatMs / 2) return;
    out.write(heartbeat);
  }, heartbeatMs);
  try {
    let next = first;
    for (;;) {
      const result = await next;
      if (signal.reason === drainReason) return 'drained';
      if (result.done) return 'ended';
      if (!out.open) return 'client gone';
      quietSince = performance.now();
      if (!out.write(format(result.value))) {
        waitingForRoom = true;
        if (!(await hasRoom(out, stalledMs))) {
          out.destroy();
          return 'stalled';
        }
        waitingForRoom = false;
      }
      next = items.next();
    }
  } catch (error) {
    if (signal.reason === drainReason) return 'drained';
    if (signal.aborted || !out.open) return 'client gone';
    out.write(onError(error));
    return 'failed';
  } finally {
    clearInterval(beat);
    out.end();
    items.return?.().catch(() => {});
  }
}

/** Whether the client has taken bytes in time. */
async function hasRoom(out: ResponseStream, stalledMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), stalledMs);
  });
  try {
    return await Promise.race([out.room().then(() => true), stalled]);
  } finally {
    clearTimeout(timer);
  }
}
