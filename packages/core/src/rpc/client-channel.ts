/**
 * The caller's end of an authenticated connection: writes requests, matches what comes back to them, and decides what a
 * caller may conclude when nothing does.
 *
 * Hot path: per call one record, one promise and one result object; no closure, no timer.
 */
import { errorFromDocument, type FlotillaError, platformError } from '../errors/index.ts';
import type {
  CallOptions,
  CallReceiver,
  CallResult,
  Channel,
  ChannelState,
  Peer,
  SentCall,
} from './channel.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { CANCEL, END, ERROR, FLAG_REPLAYED, ITEM, MAX_CALL_ID, RESPONSE, WINDOW } from './frame.ts';
import type { GoAway } from './go-away.ts';
import type { ServerHello } from './handshake.ts';
import { ItemQueue, type ItemSource } from './item-queue.ts';
import type { Link, LinkHandler } from './link.ts';
import { PendingCall, type PendingCallOwner } from './pending-call.ts';
import { PromisedResult } from './promised-result.ts';
import { RequestEncoder } from './request-codec.ts';
import { StallWatch, stallTickMs } from './stall-watch.ts';
import { neverExecuted, perhapsExecuted } from './wire-errors.ts';
import type { WireLimits } from './wire-limits.ts';

const NO_OPTIONS: CallOptions = {};
/** From here on the channel reports `draining`, long before its ids run out, so that its user opens another in time. */
const CALL_IDS_RUN_LOW = MAX_CALL_ID - 0x0010_0000;

export class ClientChannel implements Channel, LinkHandler, ItemSource, PendingCallOwner {
  readonly peer: Peer;
  readonly #link: Link;
  readonly #limits: WireLimits;
  readonly #peerMaxFrame: number;
  readonly #maxInFlight: number;
  readonly #encoder = new RequestEncoder();
  readonly #pending = new Map<number, PendingCall>();
  readonly #deadlines = new DeadlineTimer((now) => this.#expire(now));
  #lastCallId: number;
  #state: ChannelState = 'open';
  /** Set once the peer takes no more calls. */
  #goAway: GoAway | undefined;
  #closeReason: FlotillaError | undefined;
  #closeListeners: ((reason: FlotillaError | undefined) => void)[] = [];
  #drainListeners: (() => void)[] = [];
  readonly #stallWatch = new StallWatch();
  #stallListeners: ((stalled: boolean) => void)[] = [];
  #stallTicker: NodeJS.Timeout | undefined;
  /** Pending calls that are no streams: a stream may well be silent. */
  #unaryCalls = 0;

  constructor(link: Link, server: ServerHello, limits: WireLimits, lastCallId = 0) {
    this.#link = link;
    this.#limits = limits;
    this.peer = { service: server.service, instance: server.instance };
    this.#peerMaxFrame = server.maxFrame;
    this.#maxInFlight = Math.min(server.maxInFlight, limits.maxInFlight);
    this.#lastCallId = lastCallId;
    link.handler = this;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  get state(): ChannelState {
    return this.#state;
  }

  get stalled(): boolean {
    return this.#stallWatch.stalled;
  }

  call(operation: string, payload: Uint8Array, options: CallOptions = NO_OPTIONS): Promise<CallResult> {
    const result = new PromisedResult();
    try {
      this.#send(operation, payload, options, result);
    } catch (error) {
      return Promise.reject(error);
    }
    return result.promise;
  }

  send(operation: string, payload: Uint8Array, options: CallOptions, receiver: CallReceiver): SentCall {
    return this.#send(operation, payload, options, receiver);
  }

  stream(
    operation: string,
    payload: Uint8Array,
    options: CallOptions = NO_OPTIONS,
  ): AsyncIterableIterator<Buffer> {
    try {
      return this.#send(operation, payload, options, undefined).items!;
    } catch (error) {
      const failed = new ItemQueue(0, 1, this);
      failed.finish(error as FlotillaError);
      return failed;
    }
  }

  /** Opens a stream when there is no receiver. Throws the error with which the call fails before it is sent. */
  #send(
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
    receiver: CallReceiver | undefined,
  ): PendingCall {
    const { deadlineMs, signal } = options;
    const streaming = receiver === undefined;
    this.#admit(operation, deadlineMs, signal);
    const callId = this.#lastCallId + 1;
    const sentAt = this.#link.writer.appended;
    this.#encoder.write(
      this.#link.writer,
      callId,
      streaming,
      operation,
      payload,
      options,
      this.#peerMaxFrame,
    );
    this.#lastCallId = callId;
    if (callId >= CALL_IDS_RUN_LOW) this.#drain();
    let due = Number.POSITIVE_INFINITY;
    if (deadlineMs !== undefined && deadlineMs !== Number.POSITIVE_INFINITY) {
      const now = performance.now();
      due = now + deadlineMs;
      this.#deadlines.watch(due, now);
    }
    const items = streaming ? new ItemQueue(callId, this.#limits.window, this) : undefined;
    const call = new PendingCall(this, callId, operation, due, sentAt, signal, items, receiver);
    this.#pending.set(callId, call);
    if (!streaming) {
      this.#unaryCalls++;
      if (this.#stallTicker === undefined) this.#watchForStalls();
    }
    return call;
  }

  #watchForStalls(): void {
    this.#stallTicker = setInterval(() => this.#stallTick(), stallTickMs).unref();
  }

  #stallTick(): void {
    const verdict = this.#stallWatch.tick(this.#link.heard, this.#unaryCalls > 0);
    if (verdict === 'ping') this.#link.ping();
    else if (verdict === 'idle') this.#stopStallTicks();
    else if (verdict !== 'watch') for (const listener of this.#stallListeners) listener(this.stalled);
  }

  #stopStallTicks(): void {
    clearInterval(this.#stallTicker);
    this.#stallTicker = undefined;
  }

  #admit(operation: string, deadlineMs: number | undefined, signal: AbortSignal | undefined): void {
    if (this.#state !== 'open') this.#refuseUnlessIdsRemain(operation);
    if (deadlineMs !== undefined && !(deadlineMs > 0)) {
      throw neverExecuted(
        'deadline_exceeded',
        `the deadline of ${operation} had passed before it was called`,
      );
    }
    if (signal?.aborted) {
      throw neverExecuted('cancelled', `${operation} was cancelled before it was called`, signal.reason);
    }
    if (this.#pending.size >= this.#maxInFlight) {
      throw neverExecuted(
        'overloaded',
        `${this.#maxInFlight} calls to ${this.peer.instance} are in flight, the most this connection carries`,
      );
    }
    if (this.#link.saturated) {
      throw neverExecuted(
        'overloaded',
        `${this.#link.writer.pending} bytes wait to be sent to ${this.peer.instance}, which does not take them`,
      );
    }
  }

  #refuseUnlessIdsRemain(operation: string): void {
    const target = `${operation} was not sent to ${this.peer.instance}`;
    if (this.#state === 'closed') {
      throw neverExecuted('unavailable', `${target}: the connection is closed`, this.#closeReason);
    }
    if (this.#goAway !== undefined) {
      throw neverExecuted('unavailable', `${target}: it said go-away (${this.#goAway.message})`);
    }
    if (this.#lastCallId >= MAX_CALL_ID) {
      throw neverExecuted('unavailable', `${target}: this connection has used all its call ids`);
    }
  }

  onClose(listener: (reason: FlotillaError | undefined) => void): void {
    if (this.#state === 'closed') listener(this.#closeReason);
    else this.#closeListeners.push(listener);
  }

  onDrain(listener: () => void): void {
    if (this.#state === 'open') this.#drainListeners.push(listener);
    else listener();
  }

  onStall(listener: (stalled: boolean) => void): void {
    this.#stallListeners.push(listener);
  }

  close(): void {
    this.#link.destroy();
  }

  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): void {
    const call = this.#pending.get(callId);
    if (call === undefined) {
      // The late answer to a call that was given up. An id never used is a fault.
      if (callId > this.#lastCallId || type < RESPONSE || type > END) {
        this.#violation(`frame type ${type} for call ${callId}, which does not exist`);
      }
      return;
    }
    switch (type) {
      case RESPONSE:
        this.#respond(call, flags, bytes, start, end);
        return;
      case ERROR:
        this.#forget(call);
        call.fail(parseError(bytes.toString('utf8', start, end)));
        return;
      case ITEM:
        this.#receiveItem(call, bytes, start, end);
        return;
      case END:
        this.#endStream(call);
        return;
      default:
        this.#violation(`frame type ${type}, which a server does not send now`);
    }
  }

  #respond(call: PendingCall, flags: number, bytes: Buffer, start: number, end: number): void {
    if (call.items !== undefined) {
      this.#violation('a stream was answered with a response');
      return;
    }
    this.#forget(call);
    call.succeed({ payload: bytes.subarray(start, end), replayed: (flags & FLAG_REPLAYED) !== 0 });
  }

  #receiveItem(call: PendingCall, bytes: Buffer, start: number, end: number): void {
    if (call.items === undefined) this.#violation('a call that is no stream was answered with an item');
    else if (!call.items.push(bytes.subarray(start, end))) this.#violation('a stream went past its window');
  }

  #endStream(call: PendingCall): void {
    if (call.items === undefined) {
      this.#violation('a call that is no stream was answered with an end');
      return;
    }
    this.#forget(call);
    call.endStream();
  }

  goAway(notice: GoAway): void {
    this.#goAway = notice;
    for (const call of this.#pending.values()) {
      if (call.callId <= notice.lastCallId) continue;
      this.#remove(call);
      call.fail(
        neverExecuted(
          'unavailable',
          `${this.peer.instance} said go-away before ${call.operation}: ${notice.message}`,
        ),
      );
    }
    this.#drain();
    this.#closeIfIdle();
  }

  drained(): void {}

  closed(reason: FlotillaError | undefined): void {
    this.#leaveOpen('closed');
    this.#closeReason = reason;
    this.#deadlines.stop();
    this.#stopStallTicks();
    const { handedOver } = this.#link.writer;
    const why = reason?.message ?? 'this side closed the connection';
    for (const call of this.#pending.values()) {
      const message = `${call.operation} lost its connection to ${this.peer.instance}: ${why}`;
      const left = call.sentAt < handedOver;
      call.fail(
        left
          ? perhapsExecuted('unavailable', message, reason)
          : neverExecuted('unavailable', message, reason),
      );
    }
    this.#pending.clear();
    this.#unaryCalls = 0;
    const listeners = this.#closeListeners;
    this.#closeListeners = [];
    this.#stallListeners = [];
    for (const listener of listeners) listener(reason);
  }

  grant(callId: number, count: number): void {
    if (!this.#pending.has(callId)) return;
    const { writer } = this.#link;
    writer.begin(WINDOW, 0, callId, 4, 0);
    writer.u32(count);
  }

  cancel(callId: number): void {
    const call = this.#pending.get(callId);
    if (call !== undefined) this.#giveUp(call, undefined);
  }

  aborted(call: PendingCall): void {
    const message = `${call.operation} was cancelled by its caller`;
    this.#giveUp(call, perhapsExecuted('cancelled', message, call.signal?.reason));
  }

  #giveUp(call: PendingCall, error: FlotillaError | undefined): void {
    this.#link.writer.begin(CANCEL, 0, call.callId, 0, 0);
    this.#forget(call);
    call.abandon(error);
  }

  #remove(call: PendingCall): void {
    this.#pending.delete(call.callId);
    if (call.items === undefined) this.#unaryCalls--;
  }

  #forget(call: PendingCall): void {
    this.#remove(call);
    if (this.#state === 'draining') this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#pending.size > 0 || this.#link.ended) return;
    const why = this.#goAway === undefined ? 'its call ids are used up' : `go-away: ${this.#goAway.message}`;
    this.#link.end(
      platformError('unavailable', `the connection to ${this.peer.instance} was ended (${why})`),
    );
  }

  #drain(): void {
    if (this.#state === 'open') this.#leaveOpen('draining');
  }

  #leaveOpen(state: 'draining' | 'closed'): void {
    this.#state = state;
    const listeners = this.#drainListeners;
    this.#drainListeners = [];
    for (const listener of listeners) listener();
  }

  #expire(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#pending.values()) {
      if (call.due > now) {
        if (call.due < next) next = call.due;
        continue;
      }
      this.#giveUp(
        call,
        perhapsExecuted('deadline_exceeded', `${call.operation} was not answered within its deadline`),
      );
    }
    return next;
  }

  #violation(message: string): void {
    this.#link.refuse(platformError('invalid_argument', `protocol violation: ${message}`));
  }
}

function parseError(body: string): FlotillaError {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    document = body;
  }
  return errorFromDocument(document);
}
