/**
 * The listening side: accepts connections, flushes all that have something to send once per turn of the event loop,
 * and watches their clocks. Owns every timer and socket of a broker, so that closing it leaves nothing behind.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Authenticator } from '../credentials.ts';
import type { Limits } from '../limits.ts';
import { SubjectInterner } from '../protocol/interner.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';
import type { Router } from '../routing/router.ts';
import { BufferPool } from './buffer-pool.ts';
import { Connection, type ConnectionHost } from './connection.ts';
import { type Counters, createCounters } from './counters.ts';
import { listenError } from './listen-error.ts';
import type { Log } from './log.ts';
import { createServerId, infoLine, type ServerInfo } from './server-info.ts';

export interface BrokerServerOptions {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly limits: Limits;
  readonly authenticator: Authenticator;
  readonly router: Router;
  readonly log: Log;
}

export class BrokerServer implements ConnectionHost {
  readonly router: Router;
  readonly limits: Limits;
  readonly authenticator: Authenticator;
  readonly log: Log;
  readonly subjects = new SubjectInterner();
  readonly pool = new BufferPool();
  readonly counters: Counters = createCounters();
  congested: Connection | undefined;

  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #flushDirty = (): void => this.flush();
  #dirty: Connection[] = [];
  #flushing: Connection[] = [];
  #info: ServerInfo;
  #nextId = 1;
  #clock: NodeJS.Timeout | undefined;
  #lameDuck = false;
  readonly #closed = new AbortController();

  constructor(options: BrokerServerOptions) {
    this.router = options.router;
    this.limits = options.limits;
    this.authenticator = options.authenticator;
    this.log = options.log;
    this.#info = {
      serverId: createServerId(),
      serverName: options.serverName,
      host: options.host,
      port: options.port,
      maxPayload: options.limits.maxPayload,
      authRequired: options.authenticator.required,
    };
    // Half-open: a client that has said all it wants to say still gets the answers.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  get info(): ServerInfo {
    return this.#info;
  }

  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  /** @throws BrokerError when the address cannot be had. */
  async listen(): Promise<void> {
    const { host, port } = this.#info;
    try {
      this.#server.listen({ host, port });
      await once(this.#server, 'listening');
    } catch (cause) {
      throw listenError(host, port, cause);
    }
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#info = { ...this.#info, port: address.port };
    this.#server.on('error', (error) => this.log('error', 'the broker cannot accept connections', { error }));
    const { pingIntervalMs, authTimeoutMs, writeDeadlineMs } = this.limits;
    const shortest = Math.min(pingIntervalMs, authTimeoutMs, writeDeadlineMs);
    this.#clock = setInterval(() => this.#tick(), Math.min(1_000, Math.max(10, shortest / 4)));
  }

  schedule(connection: Connection): void {
    if (this.#dirty.push(connection) === 1) setImmediate(this.#flushDirty);
  }

  infoLine(connection: Connection): string {
    return infoLine(this.#info, connection.id, connection.address, this.#lameDuck);
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection);
  }

  /** Announces the shutdown, waits, then closes the connections one after the other over `durationMs`. */
  async lameDuck(graceMs: number, durationMs: number): Promise<void> {
    this.#lameDuck = true;
    this.#server.close();
    this.log('info', 'lame duck: no new connections, clients are asked to leave', {
      connections: this.#connections.size,
    });
    for (const connection of this.#connections) connection.announce();
    const { signal } = this.#closed;
    try {
      await delay(graceMs, undefined, { signal });
      const leaving = [...this.#connections];
      for (const connection of leaving) {
        connection.drain();
        await delay(durationMs / leaving.length, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Sends what is queued, ends every connection and returns when the last is gone, at most `deadlineMs` later. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed.abort();
    clearInterval(this.#clock);
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    for (const connection of this.#connections) connection.drain();
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy();
    }, deadlineMs);
    while (this.#connections.size > 0) await delay(5);
    clearTimeout(deadline);
    await closed;
  }

  #accept(socket: Socket): void {
    this.counters.totalConnections++;
    const connection = new Connection(this, socket, this.#nextId++, performance.now());
    const full = this.#connections.size >= this.limits.maxConnections;
    this.#connections.add(connection);
    connection.sendInfo();
    if (!full) return;
    this.log('warn', 'connection refused: limits.maxConnections reached', { address: connection.address });
    connection.refuse(ProtocolError.maximumConnections);
  }

  /** Sends off what waits for clients. Happens by itself at the end of every turn that queued something. */
  flush(): void {
    const flushing = this.#dirty;
    this.#dirty = this.#flushing;
    for (const connection of flushing) connection.flush();
    flushing.length = 0;
    this.#flushing = flushing;
  }

  #tick(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.tick(now);
  }
}
