/**
 * What the rest of the platform sees of the wire: a `Channel` carries calls to one instance, a `WireServer` accepts
 * them, and a `Transport` makes both. Types only; `docs/wire.md` specifies the bytes. TCP, Unix sockets and memory
 * implement the same interfaces and pass the same cases.
 */
import type { FlotillaError } from '../errors/index.ts';
import type { TraceContext } from '../telemetry/trace-context.ts';
import type { LinkControl, LinkObserver } from './link-control.ts';
import type { WireLimits } from './wire-limits.ts';

/** The person or program on whose behalf a call is made, as the edge has verified it. */
export interface EndUser {
  readonly subject: string;
  readonly scopes: readonly string[];
  /** Further verified facts; must be JSON. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The process at the other end, proven by the handshake to hold the fleet's wire key. */
export interface Peer {
  readonly service: string;
  readonly instance: string;
}

export interface CallOptions {
  /** Remaining budget in milliseconds. Without one, the call waits until it is answered or the connection ends. */
  readonly deadlineMs?: number | undefined;
  /** Aborting it rejects the call with `cancelled` and tells the server. */
  readonly signal?: AbortSignal | undefined;
  readonly user?: EndUser | undefined;
  /** The span that makes the call: its trace goes on in the server. */
  readonly trace?: TraceContext | undefined;
  /** Names the call, so that a repetition is recognised. At most 255 bytes of UTF-8. */
  readonly idempotencyKey?: string | undefined;
  /**
   * Whether calling twice has the effect of calling once, so that the call may be repeated. Typed clients know it from the
   * contract. Default false.
   */
  readonly idempotent?: boolean | undefined;
  /** Value of the field that shards the operation, for consistent hashing. Typed clients know it from the contract. */
  readonly routingKey?: string | undefined;
}

export interface CallResult {
  /**
   * The answer's bytes. Valid for ever, but a view into what was received with it: copy it to keep it for long.
   */
  readonly payload: Buffer;
  /** True when this is the stored result of an earlier call under the same idempotency key. */
  readonly replayed: boolean;
}

/** Where the outcome of a call goes: exactly one of the two is called, once, unless the call is cancelled. */
export interface CallReceiver {
  succeeded(result: CallResult): void;
  failed(error: FlotillaError): void;
}

/** A call on its way. */
export interface SentCall {
  /** Gives the call up and tells the server. The receiver hears nothing more. */
  cancel(): void;
}

/**
 * `data` of the errors that a channel itself raises: whether the server may have started the call. `'no'` makes a
 * repetition safe for every operation.
 */
export interface ExecutionData {
  readonly executed: 'no' | 'unknown';
}

/**
 * `open` accepts calls. `draining` should get no new calls: the peer said go-away, or the connection's call ids run
 * out; calls in flight finish, then it closes by itself. `closed` refuses everything.
 */
export type ChannelState = 'open' | 'draining' | 'closed';

/**
 * One live, authenticated connection to one instance.
 *
 * Calls and streams fail with a FlotillaError. The server's answer arrives as it is. The channel's own are:
 * `unavailable` (connection lost, go-away), `overloaded` (too many calls or bytes waiting here), `deadline_exceeded`,
 * `cancelled` and `payload_too_large`, each with `ExecutionData`.
 */
export interface Channel {
  readonly peer: Peer;
  /** Calls and streams that have not ended. */
  readonly inFlight: number;
  readonly state: ChannelState;
  /**
   * Calls are in flight, but for half a second nothing has come from the peer, not even the answer to a ping: it stands
   * still or is cut off. A peer that is only slow answers pings.
   */
  readonly stalled: boolean;
  /** Makes one call. `payload` must not be changed afterwards. */
  call(operation: string, payload: Uint8Array, options?: CallOptions): Promise<CallResult>;
  /**
   * The same without a promise: the outcome goes to `receiver`, never before this returns.
   *
   * @throws FlotillaError when the call cannot be sent; the receiver then hears nothing.
   */
  send(operation: string, payload: Uint8Array, options: CallOptions, receiver: CallReceiver): SentCall;
  /**
   * Opens a stream of items, at once and not at the first `next()`. The server stops producing when `limits.window` items
   * wait to be read. `return()`, and so leaving a `for await`, cancels it. One reader at a time.
   */
  stream(operation: string, payload: Uint8Array, options?: CallOptions): AsyncIterableIterator<Buffer>;
  /** Called once when the channel has closed; with the reason unless this side closed it. Called at once if it already has. */
  onClose(listener: (reason: FlotillaError | undefined) => void): void;
  /** Called once when the channel is open no more: it drains or has closed. Called at once if it already does. */
  onDrain(listener: () => void): void;
  /** Called whenever the peer begins to stall (true) or shows life again (false). */
  onStall(listener: (stalled: boolean) => void): void;
  /** Ends the connection now. Calls in flight fail with `unavailable`. */
  close(): void;
}

/** Hears once that nobody waits for a call any more, if that comes before the call has been answered. */
export interface CallWatcher {
  /** @param reason `cancelled`, `deadline_exceeded` or `unavailable`, as the call's signal would give it. */
  abandoned(reason: FlotillaError): void;
}

/** A call as it arrives at a server. */
export interface IncomingCall {
  readonly operation: string;
  /** Valid for ever, but a view into what was received with it: copy it to keep it for long. */
  readonly payload: Buffer;
  /** Whether the caller expects a stream. */
  readonly streaming: boolean;
  readonly peer: Peer;
  /** The connection that it came by; undefined for one that came by another way. */
  readonly link?: LinkControl | undefined;
  readonly user: EndUser | undefined;
  /** The caller's span. */
  readonly trace: TraceContext | undefined;
  readonly idempotencyKey: string | undefined;
  /** When the caller's budget ends, in milliseconds of `performance.now()`; Infinity without a deadline. */
  readonly due: number;
  /** Milliseconds left at this moment, at least 0; undefined without a deadline. */
  remainingMs(): number | undefined;
  /** What `signal` tells, without a signal's cost. One watcher, before the call is abandoned. */
  watch(watcher: CallWatcher): void;
  /**
   * Aborts with a FlotillaError as its reason when the caller cancels (`cancelled`), the deadline passes
   * (`deadline_exceeded`) or the connection is lost (`unavailable`). Created on first use.
   */
  readonly signal: AbortSignal;
}

/**
 * Answers one call. Every call must be finished by `value`, `error` or `end`, even after its signal has aborted: until
 * then it counts as in flight and `drain` waits for it. What comes after the caller has gone is dropped.
 */
export interface Reply {
  /** False once nothing can reach the caller: finished, cancelled, past its deadline, or the connection is lost. */
  readonly open: boolean;
  /** The answer of a call that is no stream. `payload` must not be changed afterwards. */
  value(payload: Uint8Array, replayed?: boolean): void;
  /**
   * Ends a call or a stream with an error. Its `cause` is not sent. One that is frozen is encoded once, however often it
   * is answered. `overloaded` leaves before the event loop turns: it is of use only while it is early.
   */
  error(error: FlotillaError): void;
  /**
   * Sends one item of a stream. Returns undefined when there is room for another, else a promise for room, which also
   * settles when `open` turns false. An item sent without room ends the stream with `internal`.
   */
  item(payload: Uint8Array): Promise<void> | undefined;
  /** Ends a stream. */
  end(): void;
}

/** Handles one call, now or later. Must not throw; what it throws is answered as `internal`. */
export type Dispatch = (call: IncomingCall, reply: Reply) => void;

/** A listening endpoint. */
export interface WireServer {
  /** Where it can be dialled: `tcp://127.0.0.1:41234`, `unix:/path`, or `memory:<n>`. */
  readonly address: string;
  /** Calls and streams whose handlers have not finished, over all connections. */
  readonly inFlight: number;
  /** Authenticated connections. */
  readonly connections: number;
  /** Accepts nothing new, says go-away to all, waits at most `graceMs` for calls in flight, then closes. */
  drain(graceMs: number): Promise<void>;
  /** Closes now; callers in flight see `unavailable`. Safe to call twice. */
  close(): Promise<void>;
}

/** Who this process is on the wire. */
export interface WireIdentity extends Peer {
  /** The key both ends prove to hold: `deriveKey(secret, 'wire')`. */
  readonly key: Uint8Array;
}

export interface ListenOptions {
  /** `tcp://127.0.0.1:0` (0: any free port) or `unix:/path`. */
  readonly address: string;
  readonly identity: WireIdentity;
  readonly dispatch: Dispatch;
  readonly limits?: Partial<WireLimits>;
  /** Hears of every connection that is accepted. */
  readonly observer?: LinkObserver;
}

export interface DialOptions {
  readonly address: string;
  readonly identity: WireIdentity;
  /** Refuses, with `unavailable`, a peer that proves to be another service or instance (a reused port). */
  readonly expect?: Partial<Peer>;
  /** Milliseconds for connecting and the handshake together. Default 1000. */
  readonly timeoutMs?: number;
  readonly limits?: Partial<WireLimits>;
  /** Hears of this connection. */
  readonly observer?: LinkObserver;
}

/** A way to make connections: sockets, or memory in tests. */
export interface Transport {
  /** Fails with `conflict` where the address is taken, naming it and the way out. */
  listen(options: ListenOptions): Promise<WireServer>;
  /** Fails with `unavailable` (nobody answers there) or `unauthenticated` (another key). */
  dial(options: DialOptions): Promise<Channel>;
}
