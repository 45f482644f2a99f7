/**
 * One call at the server: what arrived, and the way to answer it. One object is both, so that a call costs one
 * allocation here; signal, texts and promises come into being when they are asked for.
 */
import { type FlotillaError, platformError } from '../errors/index.ts';
import { readTraceContext, type TraceContext } from '../telemetry/trace-context.ts';
import type { CallWatcher, EndUser, IncomingCall, Peer, Reply } from './channel.ts';
import { END, ERROR, FLAG_REPLAYED, FRAME_OVERHEAD, HEAD_BYTES, ITEM, RESPONSE } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import type { LinkControl } from './link-control.ts';
import type { RequestDecoder } from './request-codec.ts';
import { encodeError } from './wire-errors.ts';

/** What a call needs of its connection. */
export interface ServerCallOwner {
  readonly peer: Peer;
  readonly link: LinkControl;
  readonly writer: FrameWriter;
  /** Largest frame the caller accepts. */
  readonly peerMaxFrame: number;
  /** Whether so much waits for the caller that a stream should hold back. */
  readonly saturated: boolean;
  /** The handler has finished with the call. */
  finished(call: ServerCall): void;
  /** What has been written should not wait for the event loop to turn. */
  hurry(): void;
}

export class ServerCall implements IncomingCall, Reply {
  readonly callId: number;
  readonly operation: string;
  readonly payload: Buffer;
  readonly streaming: boolean;
  readonly user: EndUser | undefined;
  readonly idempotencyKey: string | undefined;
  readonly due: number;
  /** The caller can still be reached. */
  open = true;
  readonly #owner: ServerCallOwner;
  readonly #bytes: Buffer;
  readonly #traceAt: number;
  #finished = false;
  #credit: number;
  #controller: AbortController | undefined;
  #abortReason: FlotillaError | undefined;
  #watcher: CallWatcher | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    owner: ServerCallOwner,
    callId: number,
    streaming: boolean,
    request: RequestDecoder,
    bytes: Buffer,
    end: number,
    due: number,
    credit: number,
  ) {
    this.#owner = owner;
    this.callId = callId;
    this.streaming = streaming;
    this.operation = request.operation;
    this.user = request.user;
    this.idempotencyKey = request.idempotencyKey;
    this.payload = bytes.subarray(request.payloadAt, end);
    this.#bytes = bytes;
    this.#traceAt = request.traceAt;
    this.due = due;
    this.#credit = credit;
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  get link(): LinkControl {
    return this.#owner.link;
  }

  get trace(): TraceContext | undefined {
    return this.#traceAt === 0 ? undefined : readTraceContext(this.#bytes, this.#traceAt);
  }

  remainingMs(): number | undefined {
    if (this.due === Number.POSITIVE_INFINITY) return undefined;
    return Math.max(0, this.due - performance.now());
  }

  watch(watcher: CallWatcher): void {
    this.#watcher = watcher;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  value(payload: Uint8Array, replayed = false): void {
    if (this.#finished) return;
    if (this.open) {
      if (this.streaming) this.#sendError(misuse('a stream was answered with a single value'));
      else if (this.#fits(payload)) {
        this.#owner.writer.frame(RESPONSE, replayed ? FLAG_REPLAYED : 0, this.callId, payload);
      } else this.#sendError(this.#tooLarge(payload));
    }
    this.#finish();
  }

  error(error: FlotillaError): void {
    if (this.#finished) return;
    if (this.open) {
      this.#sendError(error);
      if (error.code === 'overloaded') this.#owner.hurry();
    }
    this.#finish();
  }

  item(payload: Uint8Array): Promise<void> | undefined {
    if (this.#finished || !this.open) return undefined;
    if (!this.streaming) {
      this.#breakOff(misuse('an item was sent to a call that is no stream'));
      return undefined;
    }
    if (this.#credit === 0) {
      this.#breakOff(misuse('an item was sent although the caller had no room for it'));
      return undefined;
    }
    if (!this.#fits(payload)) {
      this.#breakOff(this.#tooLarge(payload));
      return undefined;
    }
    this.#credit--;
    this.#owner.writer.frame(ITEM, 0, this.callId, payload);
    if (this.#credit > 0 && !this.#owner.saturated) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  end(): void {
    if (this.#finished) return;
    if (this.open) {
      if (this.streaming) this.#owner.writer.begin(END, 0, this.callId, 0, 0);
      else this.#sendError(misuse('a call that is no stream was ended without a value'));
    }
    this.#finish();
  }

  /** The caller has read items. Returns false when its credit is absurd. */
  grant(count: number): boolean {
    this.#credit += count;
    this.roomMayHaveCome();
    return this.#credit <= 0x7fff_ffff;
  }

  /** Lets a waiting producer go on, if it may. */
  roomMayHaveCome(): void {
    if (this.#room === undefined || this.#credit === 0 || this.#owner.saturated) return;
    this.#releaseProducer();
  }

  /** Nobody waits for the answer any more. The handler goes on counting until it has finished. */
  abort(reason: FlotillaError): void {
    if (!this.open) return;
    this.open = false;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    this.#watcher?.abandoned(reason);
    this.#releaseProducer();
  }

  /** The deadline has passed: the caller is told, in case its own clock has not noticed. */
  expire(): void {
    if (!this.open) return;
    const reason = platformError('deadline_exceeded', `${this.operation} did not finish within its deadline`);
    this.#sendError(reason);
    this.abort(reason);
  }

  /** Ends the stream under a producer that does not know yet: it learns from `open` and `signal`, and still finishes. */
  #breakOff(error: FlotillaError): void {
    this.#sendError(error);
    this.abort(error);
  }

  #sendError(error: FlotillaError): void {
    this.#owner.writer.frame(
      ERROR,
      0,
      this.callId,
      encodeError(error, this.#owner.peerMaxFrame - FRAME_OVERHEAD),
    );
  }

  #finish(): void {
    this.#finished = true;
    this.open = false;
    this.#releaseProducer();
    this.#owner.finished(this);
  }

  #releaseProducer(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #fits(payload: Uint8Array): boolean {
    return HEAD_BYTES + payload.length <= this.#owner.peerMaxFrame;
  }

  #tooLarge(payload: Uint8Array): FlotillaError {
    return platformError(
      'payload_too_large',
      `the answer of ${this.operation} has ${payload.length} bytes; its caller accepts frames of ${this.#owner.peerMaxFrame}`,
    );
  }
}

function misuse(message: string): FlotillaError {
  return platformError('internal', message);
}
