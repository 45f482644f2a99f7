/** A call or stream that waits for its answer at the caller. */
import type { FlotillaError } from '../errors/index.ts';
import type { CallResult } from './channel.ts';
import type { ItemQueue } from './item-queue.ts';

/** What a pending call tells its channel. */
export interface PendingCallOwner {
  /** The caller's signal has aborted. */
  aborted(call: PendingCall): void;
}

export class PendingCall {
  readonly callId: number;
  readonly operation: string;
  /** When the caller's budget ends, in milliseconds of `performance.now()`; Infinity without one. */
  readonly due: number;
  /** Where in the byte stream the request begins: behind what was handed to the socket, it never left. */
  readonly sentAt: number;
  /** Where the items go; undefined for a call that is no stream. */
  readonly items: ItemQueue | undefined;
  readonly #owner: PendingCallOwner;
  readonly #signal: AbortSignal | undefined;
  #resolve: ((result: CallResult) => void) | undefined;
  #reject: ((error: FlotillaError) => void) | undefined;

  constructor(
    owner: PendingCallOwner,
    callId: number,
    operation: string,
    due: number,
    sentAt: number,
    signal: AbortSignal | undefined,
    items: ItemQueue | undefined,
  ) {
    this.#owner = owner;
    this.callId = callId;
    this.operation = operation;
    this.due = due;
    this.sentAt = sentAt;
    this.items = items;
    this.#signal = signal;
    // An object as listener: no closure per call.
    signal?.addEventListener('abort', this);
  }

  /** The promise of a call that is no stream. To be asked for once. */
  promise(): Promise<CallResult> {
    const promise = new Promise<CallResult>(captureSettlers);
    this.#resolve = capturedResolve;
    this.#reject = capturedReject;
    return promise;
  }

  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  handleEvent(): void {
    this.#owner.aborted(this);
  }

  succeed(result: CallResult): void {
    this.#signal?.removeEventListener('abort', this);
    this.#resolve?.(result);
  }

  /** The server's own error: what a stream has already received can still be read. */
  fail(error: FlotillaError): void {
    this.#signal?.removeEventListener('abort', this);
    this.items?.finish(error);
    this.#reject?.(error);
  }

  /** Given up on this side. */
  abandon(error: FlotillaError | undefined): void {
    this.#signal?.removeEventListener('abort', this);
    this.items?.abandon(error);
    if (error !== undefined) this.#reject?.(error);
  }

  endStream(): void {
    this.#signal?.removeEventListener('abort', this);
    this.items?.finish(undefined);
  }
}

// `new Promise` calls its executor at once, so one shared executor hands the settlers over without a closure per call.
let capturedResolve: (result: CallResult) => void;
let capturedReject: (error: FlotillaError) => void;
function captureSettlers(
  resolve: (result: CallResult) => void,
  reject: (error: FlotillaError) => void,
): void {
  capturedResolve = resolve;
  capturedReject = reject;
}
