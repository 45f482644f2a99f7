/** A `WireServer` over any source of byte streams: keeps the connections, bounds their number, drains and closes them. */
import type { Duplex } from 'node:stream';
import { platformError } from '../errors/index.ts';
import type { Dispatch, ListenOptions, WireIdentity, WireServer } from './channel.ts';
import { freshNonce } from './handshake.ts';
import type { LinkObserver } from './link-control.ts';
import { ServerConnection, type ServerConnectionOwner } from './server-connection.ts';
import { defaultLimits, type WireLimits } from './wire-limits.ts';

/** How long a closing server waits for its peers to take the last bytes and close in turn. */
const LAST_BYTES_MS = 1000;

/** The listening end that the connections come from. */
export interface Acceptor {
  readonly address: string;
  /** Takes no more connections. Resolves once the address is free again; streams that exist are not touched. */
  stop(): Promise<void>;
}

export class ConnectionServer implements WireServer, ServerConnectionOwner {
  readonly identity: WireIdentity;
  readonly dispatch: Dispatch;
  readonly limits: WireLimits;
  readonly observer: LinkObserver | undefined;
  readonly newNonce: () => string;
  readonly #connections = new Set<ServerConnection>();
  /** Streams, authenticated or not, that have not gone. A connection may have ended while its stream lingers. */
  readonly #streams = new Set<Duplex>();
  #acceptor: Acceptor | undefined;
  #stopped: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  /** @param newNonce for tests; random otherwise */
  constructor(options: ListenOptions, newNonce: () => string = freshNonce) {
    this.newNonce = newNonce;
    this.identity = options.identity;
    this.dispatch = options.dispatch;
    this.observer = options.observer;
    this.limits = { ...defaultLimits, ...options.limits };
  }

  /** To be called once, when the acceptor listens. */
  startWith(acceptor: Acceptor): this {
    this.#acceptor = acceptor;
    return this;
  }

  get address(): string {
    return this.#acceptor!.address;
  }

  get inFlight(): number {
    let sum = 0;
    for (const connection of this.#connections) sum += connection.inFlight;
    return sum;
  }

  get connections(): number {
    let count = 0;
    for (const connection of this.#connections) if (connection.authenticated) count++;
    return count;
  }

  /** Takes over a new byte stream. */
  accept(stream: Duplex): void {
    this.#streams.add(stream);
    stream.on('close', () => {
      this.#streams.delete(stream);
      this.#reportIfEmpty();
    });
    const connection = new ServerConnection(stream, this);
    if (this.#stopped !== undefined) {
      connection.refuse(platformError('unavailable', `${this.identity.instance} is shutting down`));
    } else if (this.#connections.size >= this.limits.maxConnections) {
      const message = `${this.identity.instance} has ${this.limits.maxConnections} connections, the most it accepts`;
      connection.refuse(platformError('overloaded', message));
    } else {
      this.#connections.add(connection);
    }
  }

  connectionClosed(connection: ServerConnection): void {
    this.#connections.delete(connection);
  }

  async drain(graceMs: number): Promise<void> {
    this.#stopped ??= this.#acceptor!.stop();
    for (const connection of this.#connections) connection.drain();
    const empty = this.#whenEmpty();
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([empty, grace]);
    clearTimeout(timer);
    await this.close();
  }

  async close(): Promise<void> {
    this.#stopped ??= this.#acceptor!.stop();
    for (const connection of this.#connections) connection.end();
    const timer = setTimeout(() => {
      for (const stream of this.#streams) stream.destroy();
    }, LAST_BYTES_MS);
    await this.#whenEmpty();
    clearTimeout(timer);
    await this.#stopped;
  }

  #whenEmpty(): Promise<void> {
    return new Promise((resolve) => {
      const previous = this.#onEmpty;
      this.#onEmpty = () => {
        previous?.();
        resolve();
      };
      this.#reportIfEmpty();
    });
  }

  #reportIfEmpty(): void {
    if (this.#streams.size > 0) return;
    const report = this.#onEmpty;
    this.#onEmpty = undefined;
    report?.();
  }
}
