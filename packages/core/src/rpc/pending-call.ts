/** A call or stream that waits for its answer at the caller. */
import type { FlotillaError } from '../errors/index.ts';
import type { CallReceiver, CallResult, SentCall } from './channel.ts';
import type { ItemQueue } from './item-queue.ts';

/** What a pending call tells its channel. */
export interface PendingCallOwner {
  /** The caller's signal has aborted. */
  aborted(call: PendingCall): void;
  /** The caller has lost interest. */
  cancel(callId: number): void;
}

export class PendingCall implements SentCall {
  readonly callId: number;
  readonly operation: string;
  /** When the caller's budget ends, in milliseconds of `performance.now()`; Infinity without one. */
  readonly due: number;
  /** Where in the byte stream the request begins: behind what was handed to the socket, it never left. */
  readonly sentAt: number;
  /** Where the items go; undefined for a call that is no stream. */
  readonly items: ItemQueue | undefined;
  readonly #receiver: CallReceiver | undefined;
  readonly #owner: PendingCallOwner;
  readonly #signal: AbortSignal | undefined;

  constructor(
    owner: PendingCallOwner,
    callId: number,
    operation: string,
    due: number,
    sentAt: number,
    signal: AbortSignal | undefined,
    items: ItemQueue | undefined,
    receiver: CallReceiver | undefined,
  ) {
    this.#owner = owner;
    this.callId = callId;
    this.operation = operation;
    this.due = due;
    this.sentAt = sentAt;
    this.items = items;
    this.#receiver = receiver;
    this.#signal = signal;
    // An object as listener: no closure per call.
    signal?.addEventListener('abort', this);
  }

  get signal(): AbortSignal | undefined {
    return this.#signal;
  }

  handleEvent(): void {
    this.#owner.aborted(this);
  }

  cancel(): void {
    this.#owner.cancel(this.callId);
  }

  succeed(result: CallResult): void {
    this.#signal?.removeEventListener('abort', this);
    this.#receiver?.succeeded(result);
  }

  /** The server's own error: what a stream has already received can still be read. */
  fail(error: FlotillaError): void {
    this.#signal?.removeEventListener('abort', this);
    this.items?.finish(error);
    this.#receiver?.failed(error);
  }

  /** Given up on this side. */
  abandon(error: FlotillaError | undefined): void {
    this.#signal?.removeEventListener('abort', this);
    this.items?.abandon(error);
    if (error !== undefined) this.#receiver?.failed(error);
  }

  endStream(): void {
    this.#signal?.removeEventListener('abort', this);
    this.items?.finish(undefined);
  }
}
