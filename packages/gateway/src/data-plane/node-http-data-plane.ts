/**
 * The data plane on `node:http`, with its parser at its strictest and everything the parser lets through checked again
 * by the canonical request.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { FlotillaError, toFlotillaError } from 'flotilla';
import type { Limits } from '../limits.ts';
import { ambiguous, Refusal } from '../refusal.ts';
import { canonicalRequest } from '../request/canonical-request.ts';
import type { DataPlane, ExchangeHandler, HttpResponse } from './data-plane.ts';
import { type ConnectionState, NodeHttpExchange, resetSocket, send } from './node-http-exchange.ts';
import { ResponseGate } from './response-gate.ts';

// Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms at each start of a process.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

/** How often Node looks for connections past their time, in milliseconds. */
const checkEveryMs = 500;
/** How often a draining data plane closes what has fallen idle, in milliseconds. */
const sweepMs = 20;

export function nodeHttpDataPlane(handler: ExchangeHandler, limits: Limits): DataPlane {
  return new NodeHttpDataPlane(handler, limits);
}

class NodeHttpDataPlane implements DataPlane {
  readonly #handler: ExchangeHandler;
  readonly #limits: Limits;
  readonly #server: Server;
  readonly #connections = new WeakMap<Duplex, ConnectionState>();
  readonly #sockets = new Set<Socket>();
  readonly #gate = new ResponseGate();
  #draining = false;

  constructor(handler: ExchangeHandler, limits: Limits) {
    this.#handler = handler;
    this.#limits = limits;
    const server = createServer({
      insecureHTTPParser: false,
      requireHostHeader: false,
      joinDuplicateHeaders: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headerTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.idleTimeoutMs,
      connectionsCheckingInterval: checkEveryMs,
      noDelay: true,
    });
    // Beyond its own count Node drops header fields in silence; the canonical request refuses them aloud.
    server.maxHeadersCount = 0;
    server.maxConnections = limits.connections;
    // One clock for two ends: an idle connection, and a client that does not take what was written to it. A call or a
    // stream that is merely quiet goes on.
    server.timeout = limits.stalledMs;
    server.on('timeout', (socket: Socket) => {
      if (socket.writableLength > 0 || this.#connection(socket).inProgress === 0) socket.destroy();
    });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    server.on('request', serve);
    server.on('checkContinue', serve);
    server.on('checkExpectation', serve);
    server.on('connect', (_request, socket: Duplex) => {
      this.#refuseOn(socket, new Refusal('method_not_allowed', 'this is no proxy: CONNECT is not served'));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else this.#refuseOn(socket, parserRefusal(error));
    });
    this.#server = server;
  }

  listen({ host, port }: { host: string; port: number }): Promise<{ url: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.on('error', (cause: NodeJS.ErrnoException) => reject(listenFailure(cause, host, port)));
      this.#server.listen(port, host, () => {
        const bound = (this.#server.address() as AddressInfo).port;
        resolve({ url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, port: bound });
      });
    });
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    // Connections that fall idle only now are closed as they do: Node closes those that are idle when it is told to.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), sweepMs);
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    await closed;
  }

  hold(on: boolean): void {
    this.#gate.hold(on);
  }

  cutAll(): void {
    for (const socket of this.#sockets) resetSocket(socket);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const state = this.#connection(request.socket);
    if (state.closing) return;
    state.inProgress++;
    response.once('close', () => state.inProgress--);
    response.shouldKeepAlive &&= !this.#draining;
    try {
      const canonical = canonicalRequest(
        {
          method: request.method ?? '',
          target: request.url ?? '',
          version: request.httpVersion,
          rawHeaders: request.rawHeaders,
        },
        this.#limits,
      );
      if (canonical.headers.has('upgrade')) {
        // No protocol is switched to here, and what a client that hoped for it sends next may be in that protocol.
        response.shouldKeepAlive = false;
        state.closing = true;
      }
      this.#handler.handle(new NodeHttpExchange(canonical, request, response, state, this.#gate));
    } catch (thrown) {
      const error = toFlotillaError(thrown);
      const refused = this.#handler.refuse(error, request.socket.remoteAddress ?? '');
      this.#gate.pass(() => send(request, response, refused, state, { close: true, bodyPending: true }));
    }
  }

  #connection(socket: Socket): ConnectionState {
    let state = this.#connections.get(socket);
    if (!state) {
      state = { inProgress: 0, closing: false };
      this.#connections.set(socket, state);
    }
    return state;
  }

  /** Answers on a bare socket, unless that would end up within the response to an earlier request. */
  #refuseOn(socket: Duplex, error: FlotillaError): void {
    const response = (socket as { _httpMessage?: ServerResponse })._httpMessage;
    const { inProgress = 0, closing = false } = this.#connections.get(socket) ?? {};
    if (closing && inProgress === 1) {
      // The request at fault has its answer already, or gets it, and that ends the connection: no more body comes.
      if (response?.headersSent) response.end();
      return;
    }
    if (inProgress > 1 || response?.headersSent) {
      socket.destroy();
      return;
    }
    const refused = serialise(this.#handler.refuse(error, (socket as Socket).remoteAddress ?? ''));
    this.#gate.pass(() => {
      socket.end(refused);
      setTimeout(() => socket.destroy(), checkEveryMs).unref();
    });
  }
}

function serialise({ status, headers, body }: HttpResponse): Buffer {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, `date: ${new Date().toUTCString()}`];
  for (let at = 0; at + 1 < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  lines.push(`content-length: ${body?.length ?? 0}`, 'connection: close', '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body ?? Buffer.alloc(0)]);
}

function parserRefusal(error: NodeJS.ErrnoException): Refusal {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Refusal('invalid_argument', 'the request head is larger than is taken here', {
        status: 431,
        cause: error,
      });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Refusal('deadline_exceeded', 'the request did not arrive in time', {
        status: 408,
        cause: error,
      });
    default:
      return ambiguous('the bytes received are not an HTTP/1.1 request');
  }
}

function listenFailure(cause: NodeJS.ErrnoException, host: string, port: number): FlotillaError {
  if (cause.code === 'EADDRINUSE') {
    return new FlotillaError(
      'conflict',
      `port ${port} is taken: stop the other process or set FLOTILLA_GATEWAY_PORT`,
      { cause },
    );
  }
  return new FlotillaError('unavailable', `cannot listen on ${host} port ${port}: ${cause.message}`, {
    cause,
  });
}
