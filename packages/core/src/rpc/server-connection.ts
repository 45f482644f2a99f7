/**
 * The server's end of a connection: first the handshake, then calls, until either side goes away.
 */
import type { Duplex } from 'node:stream';
import { FlotillaError, platformError, toFlotillaError } from '../errors/index.ts';
import type { Dispatch, Peer, WireIdentity } from './channel.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { AUTH, CANCEL, ERROR, FLAG_STREAM, HELLO, REQUEST, readU32, WINDOW } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import {
  type ClientHello,
  isProof,
  PROTOCOL,
  parseClientAuth,
  parseClientHello,
  proofOf,
  type ServerHello,
} from './handshake.ts';
import { Link, type LinkHandler } from './link.ts';
import type { LinkControl, LinkObserver } from './link-control.ts';
import { RequestDecoder } from './request-codec.ts';
import { ServerCall, type ServerCallOwner } from './server-call.ts';
import { connectionLost, encodeError, neverExecuted } from './wire-errors.ts';
import type { WireLimits } from './wire-limits.ts';

/** What a connection tells its server. */
export interface ServerConnectionOwner {
  readonly identity: WireIdentity;
  readonly dispatch: Dispatch;
  readonly limits: WireLimits;
  readonly observer: LinkObserver | undefined;
  newNonce(): string;
  connectionClosed(connection: ServerConnection): void;
}

export class ServerConnection implements LinkHandler, ServerCallOwner {
  peer: Peer = { service: '', instance: '' };
  peerMaxFrame = 0;
  readonly #owner: ServerConnectionOwner;
  readonly #link: Link;
  readonly #request = new RequestDecoder();
  readonly #calls = new Map<number, ServerCall>();
  readonly #deadlines = new DeadlineTimer((now) => this.#expire(now));
  readonly #handshakeTimer: NodeJS.Timeout;
  #hello: ClientHello | undefined;
  /** The proof the caller must show; set once both HELLOs are known. */
  #expectedProof: Buffer | undefined;
  #authenticated = false;
  #draining = false;
  /** What callers are told who have as much in flight as may be. */
  #full: FlotillaError | undefined;
  #window = 0;

  constructor(stream: Duplex, owner: ServerConnectionOwner) {
    this.#owner = owner;
    this.#link = new Link(stream, owner.limits, this, true, owner.observer);
    this.#handshakeTimer = setTimeout(
      () => this.#refuseStranger(`the handshake took longer than ${owner.limits.handshakeMs} ms`),
      owner.limits.handshakeMs,
    );
  }

  get authenticated(): boolean {
    return this.#authenticated;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get link(): LinkControl {
    return this.#link;
  }

  get writer(): FrameWriter {
    return this.#link.writer;
  }

  get saturated(): boolean {
    return this.#link.saturated;
  }

  hurry(): void {
    this.#link.hurry();
  }

  /** Turns a connection away before its handshake. */
  refuse(error: FlotillaError): void {
    this.#link.refuse(error);
  }

  /** Accepts no more calls, and closes once those in flight have finished. */
  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    const reason = platformError('unavailable', `${this.#owner.identity.instance} is shutting down`);
    if (this.#calls.size === 0) {
      this.#link.refuse(reason);
      return;
    }
    this.#link.sayGoAway(reason.code, reason.message);
  }

  /** Closes now; what has been answered is still sent. */
  end(): void {
    this.#link.end();
  }

  destroy(): void {
    this.#link.destroy();
  }

  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): void {
    if (!this.#authenticated) {
      this.#handshake(type, bytes.subarray(start, end));
      return;
    }
    switch (type) {
      case REQUEST:
        this.#accept(flags, callId, bytes, start, end);
        return;
      case WINDOW:
        this.#grant(callId, bytes, start, end);
        return;
      case CANCEL:
        this.#calls.get(callId)?.abort(platformError('cancelled', 'the caller cancelled the call'));
        return;
      default:
        this.#violation(`frame type ${type}, which a caller does not send now`);
    }
  }

  goAway(): void {}

  drained(): void {
    for (const call of this.#calls.values()) call.roomMayHaveCome();
  }

  closed(reason: FlotillaError | undefined): void {
    clearTimeout(this.#handshakeTimer);
    this.#deadlines.stop();
    const lost = reason ?? connectionLost('this side closed the connection');
    const abortReason = lost.code === 'unavailable' ? lost : connectionLost(lost.message, lost);
    for (const call of this.#calls.values()) call.abort(abortReason);
    this.#owner.connectionClosed(this);
  }

  finished(call: ServerCall): void {
    this.#calls.delete(call.callId);
    if (this.#draining && this.#calls.size === 0) this.#link.end();
  }

  #accept(flags: number, callId: number, bytes: Buffer, start: number, end: number): void {
    if (callId <= this.#link.lastCallId) {
      this.#violation(`call id ${callId} does not follow ${this.#link.lastCallId}`);
      return;
    }
    // GOAWAY has promised that nothing above its last call id is executed.
    if (this.#draining) return;
    const request = this.#request;
    const problem = request.read(flags, bytes, start, end);
    if (problem !== undefined) {
      this.#violation(problem);
      return;
    }
    this.#link.lastCallId = callId;
    if (this.#calls.size >= this.#owner.limits.maxInFlight) {
      this.#refuseCall(callId);
      return;
    }

    let due = Number.POSITIVE_INFINITY;
    if (request.deadlineMs !== 0) {
      const now = performance.now();
      due = now + request.deadlineMs;
      this.#deadlines.watch(due, now);
    }
    const streaming = (flags & FLAG_STREAM) !== 0;
    const call = new ServerCall(this, callId, streaming, request, bytes, end, due, this.#window);
    this.#calls.set(callId, call);
    try {
      this.#owner.dispatch(call, call);
    } catch (error) {
      call.error(toFlotillaError(error));
    }
  }

  #grant(callId: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) {
      this.#violation('a window frame has a body of 4 bytes');
      return;
    }
    const call = this.#calls.get(callId);
    if (call?.grant(readU32(bytes, start)) === false) this.#violation('a window grew past 31 bits');
  }

  #refuseCall(callId: number): void {
    this.#full ??= Object.freeze(
      neverExecuted(
        'overloaded',
        `${this.#owner.limits.maxInFlight} calls of this connection are in flight, the most it carries`,
      ),
    );
    this.writer.frame(ERROR, 0, callId, encodeError(this.#full, this.peerMaxFrame));
    this.hurry();
  }

  #expire(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#calls.values()) {
      if (call.due <= now) call.expire();
      else if (call.due < next) next = call.due;
    }
    return next;
  }

  #handshake(type: number, body: Buffer): void {
    try {
      if (type === HELLO && this.#hello === undefined) this.#answerHello(parseClientHello(body));
      else if (type === AUTH && this.#expectedProof !== undefined) {
        this.#verify(parseClientAuth(body).proof, this.#expectedProof);
      } else this.#refuseStranger('the caller has not authenticated');
    } catch (error) {
      this.#link.refuse(error instanceof FlotillaError ? error : toFlotillaError(error));
    }
  }

  #answerHello(client: ClientHello): void {
    this.#hello = client;
    const { identity, limits } = this.#owner;
    const server = {
      protocol: PROTOCOL,
      service: identity.service,
      instance: identity.instance,
      nonce: this.#owner.newNonce(),
      maxFrame: limits.maxFrame,
      maxInFlight: limits.maxInFlight,
    };
    const transcript = { clientNonce: client.nonce, serverNonce: server.nonce, client, server };
    const proof = proofOf(identity.key, 'server', transcript).toString('base64url');
    this.#expectedProof = proofOf(identity.key, 'client', transcript);
    const hello: ServerHello = { ...server, proof };
    this.writer.frame(HELLO, 0, 0, Buffer.from(JSON.stringify(hello)));
  }

  #verify(proof: string, expected: Buffer): void {
    const client = this.#hello!;
    if (!isProof(proof, expected)) {
      this.#refuseStranger('the caller does not hold this fleet’s secret; start both from the same fleet');
      return;
    }
    clearTimeout(this.#handshakeTimer);
    this.peer = { service: client.service, instance: client.instance };
    this.peerMaxFrame = client.maxFrame;
    this.#window = client.window;
    this.#authenticated = true;
    this.#link.authenticated();
  }

  #refuseStranger(message: string): void {
    this.#link.refuse(platformError('unauthenticated', message));
  }

  #violation(message: string): void {
    this.#link.refuse(platformError('invalid_argument', `protocol violation: ${message}`));
  }
}
