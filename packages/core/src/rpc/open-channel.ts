/** The caller's half of the handshake, over any byte stream. */
import type { Duplex } from 'node:stream';
import { FlotillaError, platformError, toFlotillaError } from '../errors/index.ts';
import type { Channel, DialOptions } from './channel.ts';
import { ClientChannel } from './client-channel.ts';
import { AUTH, HELLO } from './frame.ts';
import type { GoAway } from './go-away.ts';
import {
  type ClientHello,
  freshNonce,
  isProof,
  PROTOCOL,
  parseServerHello,
  proofOf,
  type ServerHello,
} from './handshake.ts';
import { Link, type LinkHandler } from './link.ts';
import { neverExecuted } from './wire-errors.ts';
import { defaultLimits, type WireLimits } from './wire-limits.ts';

/** Milliseconds for connecting and the handshake together, unless the caller says otherwise. */
export const DEFAULT_DIAL_MS = 1000;

/** What a connection begins with; tests choose it. */
export interface ConnectionStart {
  /** Default: random. */
  readonly nonce?: string;
  /** The call id before the first. Default 0. */
  readonly lastCallId?: number;
}

/** Authenticates over a stream that may still be connecting, and makes it a channel. Owns the stream from here on. */
export function openChannel(
  stream: Duplex,
  options: DialOptions,
  start: ConnectionStart = {},
): Promise<Channel> {
  return new Promise((resolve, reject) => {
    new ClientHandshake(stream, options, start, resolve, reject);
  });
}

class ClientHandshake implements LinkHandler {
  readonly inFlight = 0;
  readonly #options: DialOptions;
  readonly #limits: WireLimits;
  readonly #lastCallId: number;
  readonly #resolve: (channel: Channel) => void;
  readonly #reject: (error: FlotillaError) => void;
  readonly #link: Link;
  readonly #hello: ClientHello;
  readonly #timer: NodeJS.Timeout;
  #refusal: FlotillaError | undefined;

  constructor(
    stream: Duplex,
    options: DialOptions,
    start: ConnectionStart,
    resolve: (channel: Channel) => void,
    reject: (error: FlotillaError) => void,
  ) {
    this.#options = options;
    const limits = { ...defaultLimits, ...options.limits };
    this.#limits = limits;
    this.#lastCallId = start.lastCallId ?? 0;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#link = new Link(stream, limits, this, false, options.observer);
    const timeoutMs = options.timeoutMs ?? DEFAULT_DIAL_MS;
    this.#timer = setTimeout(() => {
      this.#link.destroy(this.#failure(`did not complete a handshake within ${timeoutMs} ms`));
    }, timeoutMs);
    this.#hello = {
      protocol: PROTOCOL,
      service: options.identity.service,
      instance: options.identity.instance,
      nonce: start.nonce ?? freshNonce(),
      maxFrame: limits.maxFrame,
      window: limits.window,
    };
    this.#link.writer.frame(HELLO, 0, 0, Buffer.from(JSON.stringify(this.#hello)));
  }

  frame(type: number, _flags: number, _callId: number, bytes: Buffer, start: number, end: number): void {
    if (type !== HELLO) {
      this.#link.refuse(this.#failure(`began with frame type ${type} and not with a hello`));
      return;
    }
    try {
      this.#prove(parseServerHello(bytes.subarray(start, end)));
    } catch (error) {
      this.#link.refuse(error instanceof FlotillaError ? error : toFlotillaError(error));
    }
  }

  goAway(notice: GoAway): void {
    const message = `${this.#options.address} refused the connection: ${notice.message}`;
    this.#refusal =
      notice.code === 'unauthenticated'
        ? platformError('unauthenticated', message)
        : neverExecuted('unavailable', `${message} (${notice.code})`);
  }

  drained(): void {}

  closed(reason: FlotillaError | undefined): void {
    clearTimeout(this.#timer);
    this.#reject(this.#refusal ?? this.#failureFrom(reason));
  }

  #prove(server: ServerHello): void {
    const { identity, address, expect } = this.#options;
    const transcript = {
      clientNonce: this.#hello.nonce,
      serverNonce: server.nonce,
      client: this.#hello,
      server,
    };
    if (!isProof(server.proof, proofOf(identity.key, 'server', transcript))) {
      throw platformError(
        'unauthenticated',
        `${address} does not hold this fleet’s secret; start both from the same fleet`,
      );
    }
    const expectedService = expect?.service ?? server.service;
    const expectedInstance = expect?.instance ?? server.instance;
    if (server.service !== expectedService || server.instance !== expectedInstance) {
      throw this.#failure(
        `is now ${server.instance} of ${server.service}, not ${expect?.instance ?? 'an instance'} of ${expectedService}`,
      );
    }
    const proof = proofOf(identity.key, 'client', transcript).toString('base64url');
    this.#link.writer.frame(AUTH, 0, 0, Buffer.from(JSON.stringify({ proof })));
    clearTimeout(this.#timer);
    this.#link.authenticated();
    this.#resolve(new ClientChannel(this.#link, server, this.#limits, this.#lastCallId));
  }

  #failureFrom(reason: FlotillaError | undefined): FlotillaError {
    if (reason === undefined) return this.#failure('closed the connection');
    if (reason.code !== 'unavailable' || reason.data !== undefined) return reason;
    const code = (reason.cause as NodeJS.ErrnoException | undefined)?.code;
    if (code === 'ECONNREFUSED') return this.#failure('refuses connections: nothing listens there', reason);
    if (code === 'ENOENT') return this.#failure('does not exist: nothing listens there', reason);
    return this.#failure(
      `could not be reached: ${reason.message}${code === undefined ? '' : ` (${code})`}`,
      reason,
    );
  }

  #failure(what: string, cause?: unknown): FlotillaError {
    return neverExecuted('unavailable', `${this.#options.address} ${what}`, cause);
  }
}
