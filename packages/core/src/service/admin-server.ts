/**
 * The admin port of a process: health, metrics, what else it tells of itself (`admin-report.ts`), and its operations
 * over plain HTTP and JSON. Every path needs the fleet's admin token.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FlotillaError, platformError, toFlotillaError } from '../errors/flotilla-error.ts';
import { isPlatformCode, platformCodes } from '../errors/platform-codes.ts';
import { sameToken } from '../fleet/secret.ts';
import type { Dispatch, IncomingCall, Reply } from '../rpc/channel.ts';
import { expositionTypes, negotiateFormat } from '../telemetry/exposition.ts';
import { parseTraceparent } from '../telemetry/trace-context.ts';
import { type Observed, report, reportPaths } from './admin-report.ts';

// Not by `import`: that reads every export, and one of them loads a WebSocket client, 50 ms at each start of a process.
const { createServer } = process.getBuiltinModule('node:http');

export interface AdminServerOptions extends Observed {
  readonly host: string;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly token: string;
  /** Whether the process can serve calls now; if not, why. */
  readonly readiness: () => { readonly ready: boolean; readonly reason?: string };
  readonly dispatch: Dispatch;
}

export interface AdminServer {
  readonly url: string;
  close(): Promise<void>;
}

const largestBody = 4 * 1024 * 1024;

export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { host, port } = options;
  const server = createServer((request, response) => {
    answer(options, request, response).catch((thrown) => sendError(response, toFlotillaError(thrown)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const message = taken
        ? `admin port ${port} is taken: stop the other process or set FLOTILLA_ADMIN_PORT`
        : `cannot listen on ${host}:${port}: ${cause.message}`;
      reject(platformError('unavailable', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  options: AdminServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isAuthorized(request, options.token)) {
    response.setHeader('www-authenticate', 'Bearer realm="flotilla admin"');
    throw platformError(
      'unauthenticated',
      'the admin port needs the header `authorization: Bearer <admin token>`',
    );
  }
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://admin');
  const route = `${request.method} ${pathname}`;
  if (route === 'GET /health/live') return send(response, 200, { live: true });
  if (route === 'GET /health/ready') {
    const readiness = options.readiness();
    return send(response, readiness.ready ? 200 : 503, readiness);
  }
  if (route === 'GET /metrics') {
    const format = negotiateFormat(request.headers.accept);
    response.writeHead(200, { 'content-type': expositionTypes[format], vary: 'accept' });
    response.end(options.telemetry.metrics.render(format));
    return;
  }
  const rpc = /^POST \/rpc\/([^/]+)\/([^/]+)$/.exec(route);
  if (rpc) return handleCall(options.dispatch, `${rpc[1]}.${rpc[2]}`, request, response);
  const told = request.method === 'GET' ? report(options, pathname, searchParams) : undefined;
  if (told !== undefined) return send(response, 200, told);
  throw platformError(
    'not_found',
    `${route} is not here; there are GET /health/live, /health/ready, /metrics, ${reportPaths.join(', ')} and POST /rpc/<service>/<operation>`,
  );
}

function isAuthorized({ headers: { authorization = '' } }: IncomingMessage, token: string): boolean {
  const [scheme, given] = authorization.split(' ');
  return scheme?.toLowerCase() === 'bearer' && given !== undefined && sameToken(given, token);
}

async function handleCall(
  dispatch: Dispatch,
  operation: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const payload = await readBody(request);
  const gone = new AbortController();
  response.once('close', () => gone.abort(platformError('cancelled', 'the caller went away')));
  const call: IncomingCall = {
    operation,
    payload: payload.length ? payload : Buffer.from('{}'),
    streaming: request.headers.accept === 'application/x-ndjson',
    peer: { service: 'admin', instance: 'admin' },
    user: undefined,
    trace: parseTraceparent(request.headers.traceparent as string | undefined),
    idempotencyKey: request.headers['idempotency-key'] as string | undefined,
    due: Number.POSITIVE_INFINITY,
    remainingMs: () => undefined,
    watch(watcher) {
      gone.signal.addEventListener('abort', () => watcher.abandoned(gone.signal.reason));
    },
    signal: gone.signal,
  };
  dispatch(call, new HttpReply(response));
}

/** A call's answer as an HTTP response; the items of a stream as lines of JSON. */
class HttpReply implements Reply {
  readonly #response: ServerResponse;
  constructor(response: ServerResponse) {
    this.#response = response;
  }
  get open(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }
  value(payload: Uint8Array): void {
    if (!this.open) return;
    this.#response.writeHead(200, { 'content-type': 'application/json' }).end(payload);
  }
  error(error: FlotillaError): void {
    if (!this.open) return;
    if (this.#response.headersSent) this.#response.end(`${JSON.stringify({ error })}\n`);
    else sendError(this.#response, error);
  }
  item(payload: Uint8Array): Promise<void> | undefined {
    if (!this.open) return undefined;
    if (!this.#response.headersSent)
      this.#response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    this.#response.write(payload);
    if (this.#response.write('\n')) return undefined;
    return new Promise((resolve) => {
      this.#response.once('drain', resolve);
      this.#response.once('close', resolve);
    });
  }
  end(): void {
    this.#response.end();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > largestBody)
      throw platformError('payload_too_large', `a call may have at most ${largestBody} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function sendError(response: ServerResponse, error: FlotillaError): void {
  if (response.headersSent || response.destroyed) return;
  send(response, isPlatformCode(error.code) ? platformCodes[error.code].httpStatus : 422, error);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
