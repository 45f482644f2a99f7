/**
 * One connection below the level of calls: a byte stream, cut into frames on the way in and gathered into one write a
 * tick (or a few) on the way out; signs of life; and an end that says why. What the frames mean is the business of its `handler`,
 * which changes from handshake to calls.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type FlotillaError, platformError } from '../errors/index.ts';
import { GOAWAY, MAX_HANDSHAKE_FRAME, PING, PONG } from './frame.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameWriter } from './frame-writer.ts';
import { decodeGoAway, encodeGoAway, type GoAway } from './go-away.ts';
import type { LinkControl, LinkObserver } from './link-control.ts';
import { Liveness } from './liveness.ts';
import { connectionLost } from './wire-errors.ts';
import type { WireLimits } from './wire-limits.ts';

/** How long the last bytes may wait for the peer to take some of them, after the end was decided. */
const LINGER_MS = 1000;
/**
 * Up to so many calls in flight, a frame leaves as soon as the code that wrote it returns; above it, all that the turn of the
 * event loop brings, also through other sockets, leaves together. Measured with one in flight: p50 33 µs instead of 38 µs.
 */
const ALMOST_IDLE = 1;
const PING_BODY = Buffer.alloc(8);

/** Must not throw. */
export interface LinkHandler {
  /** Calls under way. */
  readonly inFlight: number;
  /** One frame other than PING, PONG and GOAWAY. Its body is `bytes[start, end)`. */
  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): void;
  /** The peer takes no calls above `notice.lastCallId`. */
  goAway(notice: GoAway): void;
  /** Bytes that waited for the peer have been taken. */
  drained(): void;
  /** Once, and last. `reason` is undefined when this end closed without one. */
  closed(reason: FlotillaError | undefined): void;
}

export class Link implements LinkControl {
  readonly writer: FrameWriter;
  handler: LinkHandler;
  /** What a GOAWAY of this end tells: the last call accepted. */
  lastCallId = 0;
  readonly #stream: Duplex;
  readonly #limits: WireLimits;
  readonly #maxBacklog: number;
  readonly #holdsBack: boolean;
  readonly #parser = new FrameParser(MAX_HANDSHAKE_FRAME);
  /** How often the peer has shown life. */
  heard = 0;
  readonly #liveness: Liveness;
  #ticker: NodeJS.Timeout;
  /** The end has been decided: nothing is read any more, and `closed` has been reported. */
  #ended = false;
  #linger: NodeJS.Timeout | undefined;
  #hurried = false;
  readonly #flushEarly = () => {
    this.#hurried = false;
    this.#flush();
  };
  #reading = true;
  /** See {@link LinkControl.hold}. */
  #held = false;
  readonly #observer: LinkObserver | undefined;
  /** What the peer said before it closed. */
  #farewell: FlotillaError | undefined;

  /**
   * @param holdsBack stop reading while more waits for the peer than the limits allow. Only one end may, or both could wait
   *   for each other: the server does, and a caller refuses new calls instead.
   */
  constructor(
    stream: Duplex,
    limits: WireLimits,
    handler: LinkHandler,
    holdsBack: boolean,
    observer?: LinkObserver,
  ) {
    this.#stream = stream;
    this.#holdsBack = holdsBack;
    this.#limits = limits;
    // Only above its own mark does a stream tell when it has drained.
    this.#maxBacklog = Math.max(limits.maxBacklog, stream.writableHighWaterMark);
    this.handler = handler;
    const flush = () => this.#flush();
    this.writer = new FrameWriter(
      stream,
      () => {
        if (this.handler.inFlight <= ALMOST_IDLE) process.nextTick(flush);
        else setImmediate(flush);
      },
      () => {
        if (!this.#held && stream.writable) this.writer.flush();
      },
    );
    this.#liveness = new Liveness(limits);
    this.#ticker = this.#tickWithOthers(this.#liveness.tickMs);
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('drain', () => this.#drained());
    stream.on('error', (cause) => this.#lost('the connection broke', cause));
    stream.on('end', () => this.#lost('the peer closed the connection'));
    stream.on('close', () => this.#closed());
    this.#observer = observer;
    observer?.linkOpened(this);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The peer is authenticated: frames up to the connection's own limit are welcome. */
  authenticated(): void {
    this.#parser.maxFrame = this.#limits.maxFrame;
  }

  /** More bytes wait to be sent than the limits allow. */
  get saturated(): boolean {
    return this.writer.pending > this.#maxBacklog;
  }

  /** What has been written leaves as soon as the code that runs now returns, however much is in flight. */
  hurry(): void {
    if (this.#hurried) return;
    this.#hurried = true;
    process.nextTick(this.#flushEarly);
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    if (!this.#ended) this.writer.frame(PING, 0, 0, PING_BODY);
  }

  /** Tells the peer to send no more calls. */
  sayGoAway(code: string, message: string): void {
    if (this.#ended) return;
    const body = encodeGoAway({ code, message, lastCallId: this.lastCallId });
    this.writer.frame(GOAWAY, 0, 0, body);
  }

  /** The peer broke the protocol or may not be here: says so, and ends. */
  refuse(error: FlotillaError): void {
    this.sayGoAway(error.code, error.message);
    this.end(error);
  }

  /** Sends what waits, then closes. Reports `closed` at once. */
  end(reason?: FlotillaError): void {
    if (this.#ended) return;
    if (this.#held) {
      this.destroy(reason);
      return;
    }
    // Before `closed` is reported: what it concludes must count what has left.
    this.#flush();
    this.#finish(reason);
    // Reading goes on into nothing: closing with unread bytes would reset the connection and lose the last frames.
    this.#stream.resume();
    this.#linger = setTimeout(() => this.#stream.destroy(), LINGER_MS);
    this.#flush();
  }

  /** Closes at once; what waits is never sent. */
  destroy(reason?: FlotillaError): void {
    this.#finish(reason);
    this.#stream.destroy();
  }

  hold(on: boolean): void {
    if (this.#ended || this.#held === on) return;
    this.#held = on;
    if (on) this.#stream.pause();
    else {
      if (this.#reading) this.#stream.resume();
      this.#flush();
    }
  }

  cut(reason: FlotillaError): void {
    if (this.#ended) return;
    this.#finish(reason);
    const stream = this.#stream;
    // Only TCP can be reset; a Unix socket has no address of the other end.
    if (stream instanceof Socket && stream.remoteAddress !== undefined) stream.resetAndDestroy();
    else stream.destroy();
  }

  /** FrameReceiver: false stops the parser. */
  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): boolean {
    if (type < PING) {
      this.handler.frame(type, flags, callId, bytes, start, end);
    } else if (type === PING) {
      this.writer.frame(PONG, 0, 0, bytes.subarray(start, Math.min(end, start + PING_BODY.length)));
    } else if (type === GOAWAY) {
      this.#goneAway(decodeGoAway(bytes.subarray(start, end)));
    } else if (type !== PONG) {
      this.handler.frame(type, flags, callId, bytes, start, end);
    }
    return !this.#ended;
  }

  #goneAway(notice: GoAway): void {
    this.#farewell ??= connectionLost(`the peer said go-away (${notice.code}): ${notice.message}`);
    this.handler.goAway(notice);
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    this.heard++;
    this.#liveness.heard();
    const problem = this.#parser.push(chunk, this);
    if (problem !== undefined) this.refuse(platformError(problem.code, problem.message));
    else if (this.#holdsBack && this.saturated && !this.#ended) {
      this.#reading = false;
      this.#stream.pause();
    }
  }

  #flush(): void {
    if (this.#held) return;
    if (this.#stream.writable) this.writer.flush();
    if (this.#ended && this.writer.waiting === 0) this.#stream.end();
  }

  #drained(): void {
    this.#liveness.heard();
    this.writer.drained();
    if (this.#ended) {
      this.#linger?.refresh();
      this.#flush();
      return;
    }
    if (!this.#reading && this.writer.pending <= this.#maxBacklog / 2) {
      this.#reading = true;
      if (!this.#held) this.#stream.resume();
    }
    this.handler.drained();
  }

  /** At the same moments as all links of the process, so that an idle one wakes once for them. */
  #tickWithOthers(tickMs: number): NodeJS.Timeout {
    // The first tick may come at once: it must not count as one of silence.
    this.#liveness.heard();
    return setTimeout(
      () => {
        this.#ticker = setInterval(() => this.#tick(), tickMs).unref();
        this.#tick();
      },
      tickMs - (performance.now() % tickMs),
    ).unref();
  }

  #tick(): void {
    const verdict = this.#liveness.tick();
    if (verdict === 'ping') this.ping();
    else if (verdict === 'dead') {
      this.destroy(connectionLost(`the peer has sent nothing for ${this.#limits.deadMs} ms`));
    }
  }

  #lost(message: string, cause?: unknown): void {
    if (!this.#ended) this.destroy(this.#farewell ?? connectionLost(message, cause));
  }

  #closed(): void {
    clearTimeout(this.#linger);
    this.#lost('the connection was closed');
  }

  #finish(reason: FlotillaError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#ticker);
    this.handler.closed(reason);
    this.#observer?.linkEnded(this);
  }
}
