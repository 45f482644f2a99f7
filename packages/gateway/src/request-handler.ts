/**
 * The way of one request: ids, route, access, input, call, response. Every stage works on the canonical request; every
 * failure on the way becomes a problem detail in one place.
 */
import { randomUUID } from 'node:crypto';
import {
  type CallOptions,
  type EndUser,
  type FlotillaError,
  type Logger,
  type PlatformCode,
  parseTraceparent,
  platformCodes,
  toFlotillaError,
} from 'flotilla';
import { authorise } from './auth/access.ts';
import type { TokenVerifier } from './auth/token-verifier.ts';
import type { GatewayConfig } from './config.ts';
import type { ExchangeHandler, HttpExchange, HttpResponse } from './data-plane/data-plane.ts';
import { requireJson, syntaxFault } from './input/json-body.ts';
import { type Problem, problemOf, problemResponse } from './problem.ts';
import { Refusal } from './refusal.ts';
import { requestDeadlineMs } from './request/deadline.ts';
import { idempotencyKey } from './request/idempotency-key.ts';
import { randomHexSource } from './request/random-hex.ts';
import { requestId, traceId, traceparent } from './request/trace.ts';
import type { Route, RouteTable } from './routes.ts';
import { errorEvent } from './sse/event-format.ts';
import { OpenStreams } from './sse/open-streams.ts';
import type { Upstream } from './upstream.ts';

/** What the handler reads anew for every request, because it changes while the gateway runs. */
export interface GatewayState {
  readonly router: RouteTable['router'];
  /** The OpenAPI document as JSON. */
  openApi(): Buffer;
  readonly phase: 'starting' | 'ready' | 'draining';
}

export interface RequestHandlerOptions {
  readonly upstream: Upstream;
  readonly config: GatewayConfig;
  readonly verifier: TokenVerifier | undefined;
  readonly state: GatewayState;
  readonly log: Logger;
}

/** One request under way. */
interface Progress {
  readonly exchange: HttpExchange;
  readonly id: string;
  readonly traceparent: string;
  readonly startedAt: number;
  route: Route | undefined;
  /** The body, once it is read: a service that gets it as it came complains about its syntax without a place. */
  body: Buffer | undefined;
  user: EndUser | undefined;
}

export class RequestHandler implements ExchangeHandler {
  readonly #upstream: Upstream;
  readonly #config: GatewayConfig;
  readonly #verifier: TokenVerifier | undefined;
  readonly #state: GatewayState;
  readonly #log: Logger;
  readonly #streams: OpenStreams;
  readonly #randomHex = randomHexSource();
  #requests = 0;

  constructor(options: RequestHandlerOptions) {
    this.#upstream = options.upstream;
    this.#config = options.config;
    this.#verifier = options.verifier;
    this.#state = options.state;
    this.#log = options.log;
    const { heartbeatMs, limits } = options.config;
    this.#streams = new OpenStreams({
      streams: limits.streams,
      heartbeatMs,
      stalledMs: limits.stalledMs,
    });
  }

  /** Ends all streams as if their services had. */
  endStreams(): void {
    this.#streams.endAll();
  }

  handle(exchange: HttpExchange): void {
    const { headers } = exchange.request;
    const progress: Progress = {
      exchange,
      id: requestId(headers.get('x-request-id'), randomUUID),
      traceparent: traceparent(headers.get('traceparent'), this.#randomHex),
      startedAt: performance.now(),
      route: undefined,
      body: undefined,
      user: undefined,
    };
    this.#requests++;
    this.#serve(progress)
      .catch((thrown: unknown) => this.#fail(progress, thrown))
      .finally(() => this.#requests--);
  }

  refuse(error: FlotillaError, remoteAddress: string): HttpResponse {
    const id = randomUUID();
    const problem = problemOf(error, id);
    this.#log.debug('refused', {
      requestId: id,
      remote: remoteAddress,
      status: problem.status,
      detail: error.message,
    });
    return problemResponse(error, problem, responseHeaders(id));
  }

  async #serve(progress: Progress): Promise<void> {
    const { request } = progress.exchange;
    const found = this.#state.router.find(request.method, request.segments);
    if (found.kind === 'method') {
      if (request.method === 'OPTIONS') {
        return this.#respond(progress, { status: 204, headers: ['allow', found.allow.join(', ')] });
      }
      throw new Refusal('method_not_allowed', `this path is served for ${found.allow.join(', ')}`, {
        headers: [['allow', found.allow.join(', ')]],
      });
    }
    if (found.kind === 'none') throw this.#noRoute();
    if (found.target === 'health') return this.#health(progress);
    if (found.target === 'openapi') {
      return this.#respond(progress, {
        status: 200,
        headers: ['content-type', 'application/json'],
        body: this.#state.openApi(),
      });
    }
    const route = found.target;
    progress.route = route;
    if (this.#requests - this.#streams.size > this.#config.limits.requests) {
      throw new Refusal('overloaded', 'the gateway serves as many requests as it can: try again', {
        retryAfterMs: 1_000,
      });
    }
    const { access } = route.operation;
    progress.user = await authorise(access, request.headers.get('authorization'), this.#verifier);
    if (route.operation.stream) return this.#serveStream(progress, route, found.parameters);
    return this.#serveCall(progress, route, found.parameters);
  }

  async #serveCall(progress: Progress, route: Route, parameters: readonly string[]): Promise<void> {
    const { request, signal } = progress.exchange;
    const deadlineMs = requestDeadlineMs(request.headers.get('x-request-timeout'), this.#config.deadlineMs);
    const input = route.mapping.build(request, parameters, await this.#body(progress, deadlineMs));
    const remaining = Math.floor(progress.startedAt + deadlineMs - performance.now());
    if (remaining <= 0) throw new Refusal('deadline_exceeded', 'the time for this request has run out');
    const { payload, replayed } = await this.#upstream.call(route.service, route.id, input, {
      deadlineMs: remaining,
      signal,
      ...callIdentity(progress),
    });
    const headers = replayed ? ['idempotent-replayed', 'true'] : [];
    const status = replayed ? route.http.replayStatus : route.http.status;
    if (route.voids) return this.#respond(progress, { status: status === 200 ? 204 : status, headers });
    headers.push('content-type', 'application/json');
    this.#respond(progress, { status, headers, body: payload });
  }

  async #serveStream(progress: Progress, route: Route, parameters: readonly string[]): Promise<void> {
    const { exchange } = progress;
    const { request } = exchange;
    const body = await this.#body(progress, this.#config.deadlineMs);
    const input = route.mapping.build(request, parameters, body);
    const { status } = route.http;
    const type = ['content-type', 'text/event-stream'];
    if (request.method === 'HEAD') return this.#respond(progress, { status, headers: type });
    const end = await this.#streams.serve({
      open: (signal) =>
        this.#upstream.stream(route.service, route.id, input, { signal, ...callIdentity(progress) }),
      clientGone: exchange.signal,
      start: () => exchange.startStream(status, [...responseHeaders(progress.id), ...type]),
      format: route.format,
      onError: (thrown) => errorEvent(this.#problem(progress, toFlotillaError(thrown))),
    });
    this.#logDone(progress, status, { stream: end });
  }

  async #body(progress: Progress, timeoutMs: number): Promise<Buffer> {
    const { exchange } = progress;
    const { bodyLength, headers } = exchange.request;
    if (bodyLength === 0) return exchange.readBody(0, timeoutMs);
    requireJson(headers);
    progress.body = await exchange.readBody(this.#config.limits.bodyBytes, timeoutMs);
    return progress.body;
  }

  #health(progress: Progress): void {
    const { phase } = this.#state;
    const body = Buffer.from(JSON.stringify({ status: phase === 'ready' ? 'ok' : phase }));
    this.#respond(progress, {
      status: phase === 'draining' ? 503 : 200,
      headers: ['content-type', 'application/json'],
      body,
    });
  }

  #noRoute(): Refusal {
    if (this.#state.phase === 'starting') {
      return new Refusal(
        'unavailable',
        'the gateway is starting and does not know all routes yet: try again',
        {
          retryAfterMs: 1_000,
        },
      );
    }
    return new Refusal('not_found', 'there is no such route: /openapi.json lists those there are');
  }

  #respond(progress: Progress, { status, headers, body }: HttpResponse): void {
    const all = [...responseHeaders(progress.id), ...headers];
    progress.exchange.respond(body ? { status, headers: all, body } : { status, headers: all });
    this.#logDone(progress, status);
  }

  #problem({ id, route }: Progress, error: FlotillaError): Problem {
    const problem = problemOf(error, id, route);
    if (problem.status < 500) return problem;
    const fields = { requestId: id, operation: route?.id, status: problem.status, error };
    // While a service is away every request for it fails: a line for each would drown what matters.
    if (platformCodes[problem.code as PlatformCode]?.retryable) this.#log.debug('a request failed', fields);
    else this.#log.warn('a request failed', fields);
    return problem;
  }

  #fail(progress: Progress, thrown: unknown): void {
    const { exchange, id } = progress;
    const error = withPlace(toFlotillaError(thrown), progress.body);
    const clientGone = error.code === 'cancelled' && exchange.signal.aborted;
    if (clientGone) {
      this.#logDone(progress, platformCodes.cancelled.httpStatus);
      return;
    }
    const problem = this.#problem(progress, error);
    exchange.respond(problemResponse(error, problem, responseHeaders(id)));
    this.#logDone(progress, problem.status, { code: problem.code });
  }

  #logDone(progress: Progress, status: number, more?: Readonly<Record<string, unknown>>): void {
    const { exchange, id, route, user, startedAt } = progress;
    const { method, path } = exchange.request;
    this.#log.debug('request', {
      requestId: id,
      traceId: traceId(progress.traceparent),
      method,
      path,
      operation: route?.id,
      subject: user?.subject,
      remote: exchange.remoteAddress,
      status,
      ms: Math.round((performance.now() - startedAt) * 100) / 100,
      ...more,
    });
  }
}

/** A complaint about the input as a whole, as one about the place where the body is no JSON, if that is why. */
function withPlace(error: FlotillaError, body: Buffer | undefined): FlotillaError {
  if (error.code !== 'invalid_argument' || error instanceof Refusal || !body) return error;
  return syntaxFault(body) ?? error;
}

/** What the service learns about the request beside its input. */
function callIdentity({ exchange, user, traceparent }: Progress): CallOptions {
  const key = idempotencyKey(exchange.request.headers.get('idempotency-key'));
  const trace = parseTraceparent(traceparent);
  return {
    ...(trace ? { trace } : {}),
    ...(user ? { user } : {}),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
}

/** Headers of every response. */
function responseHeaders(id: string): string[] {
  return ['x-request-id', id, 'x-content-type-options', 'nosniff', 'cache-control', 'no-store'];
}
