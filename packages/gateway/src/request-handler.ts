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
  platformCodes,
  type Span,
  type Telemetry,
  toFlotillaError,
  traceIdOf,
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
import { requestId } from './request/request-id.ts';
import { RequestTelemetry } from './request-telemetry.ts';
import { type BuiltIn, pathOf, type Route, type RouteTable } from './routes.ts';
import { errorEvent } from './sse/event-format.ts';
import type { StreamEnd } from './sse/event-stream.ts';
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
  readonly telemetry: Pick<Telemetry, 'tracer' | 'metrics'>;
}

/** One request under way. */
interface Progress {
  readonly exchange: HttpExchange;
  readonly id: string;
  readonly startedAt: number;
  /** Undefined until it is known which route is asked for; health checks have none. */
  span: Span | undefined;
  /** Path of the route, also of one that the gateway itself serves. */
  path: string | undefined;
  route: Route | undefined;
  /** The body, once it is read: a service that gets it as it came complains about its syntax without a place. */
  body: Buffer | undefined;
  user: EndUser | undefined;
}

/** How a request ended, beside its status. */
interface Ending {
  readonly problem?: Pick<Problem, 'code' | 'status'> | undefined;
  readonly stream?: StreamEnd;
}

/** Nobody is told: the client was gone before there was an answer. */
const clientClosed = { code: 'cancelled', status: platformCodes.cancelled.httpStatus };

export class RequestHandler implements ExchangeHandler {
  readonly #upstream: Upstream;
  readonly #config: GatewayConfig;
  readonly #verifier: TokenVerifier | undefined;
  readonly #state: GatewayState;
  readonly #log: Logger;
  readonly #streams: OpenStreams;
  readonly #telemetry: RequestTelemetry;
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
    this.#telemetry = new RequestTelemetry(options.telemetry, () => ({
      requests: this.#requests - this.#streams.size,
      streams: this.#streams.size,
    }));
  }

  /** Ends all streams as if their services had. */
  endStreams(): void {
    this.#streams.endAll();
  }

  handle(exchange: HttpExchange): void {
    const progress = progressOf(exchange);
    this.#requests++;
    this.#serve(progress)
      .catch((thrown: unknown) => this.#fail(progress, thrown))
      .finally(() => this.#requests--);
  }

  /** Answers an exchange with an error, without a look at it. */
  reject(exchange: HttpExchange, error: FlotillaError): void {
    const progress = progressOf(exchange);
    const found = this.#state.router.find(exchange.request.method, exchange.request.segments);
    if (found.kind === 'found') this.#begin(progress, found.target);
    this.#fail(progress, error);
  }

  refuse(error: FlotillaError, remoteAddress: string): HttpResponse {
    const id = randomUUID();
    const problem = problemOf(error, id);
    this.#telemetry.count('', undefined, problem.status, undefined);
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
    this.#begin(progress, found.target);
    if (found.target === 'health') return this.#health(progress);
    if (found.target === 'openapi') {
      return this.#respond(progress, {
        status: 200,
        headers: ['content-type', 'application/json'],
        body: this.#state.openApi(),
      });
    }
    const route = found.target;
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
      ...callIdentity(progress, route, input),
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
    let problem: Problem | undefined;
    const end = await this.#streams.serve({
      open: (signal) =>
        this.#upstream.stream(route.service, route.id, input, {
          signal,
          ...callIdentity(progress, route, input),
        }),
      clientGone: exchange.signal,
      start: () => exchange.startStream(status, [...responseHeaders(progress.id), ...type]),
      format: route.format,
      onError: (thrown) => {
        problem = this.#problem(progress, toFlotillaError(thrown));
        return errorEvent(problem);
      },
    });
    this.#done(progress, status, { stream: end, problem });
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
    this.#done(progress, status);
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
      this.#done(progress, clientClosed.status, { problem: clientClosed });
      return;
    }
    const problem = this.#problem(progress, error);
    exchange.respond(problemResponse(error, problem, responseHeaders(id)));
    this.#done(progress, problem.status, { problem });
  }

  #begin(progress: Progress, target: Route | BuiltIn): void {
    const { exchange, startedAt } = progress;
    if (typeof target !== 'string') progress.route = target;
    progress.path = typeof target === 'string' ? pathOf[target] : target.http.path;
    if (target === 'health') return;
    progress.span = this.#telemetry.begin(exchange.request, progress.path, exchange.remoteAddress, startedAt);
  }

  #done(progress: Progress, status: number, { problem, stream }: Ending = {}): void {
    const { exchange, id, route, user, startedAt } = progress;
    const { method, path } = exchange.request;
    const ms = performance.now() - startedAt;
    const span = progress.span ?? this.#spanWithoutRoute(progress);
    if (span) this.#telemetry.end(span, problem === clientClosed ? undefined : status, problem);
    this.#telemetry.count(method, progress.path, status, stream ? undefined : ms / 1_000);
    this.#log.debug('request', {
      requestId: id,
      traceId: span && traceIdOf(span),
      method,
      path,
      operation: route?.id,
      subject: user?.subject,
      remote: exchange.remoteAddress,
      status,
      ms: Math.round(ms * 100) / 100,
      stream,
      code: problem?.code,
    });
  }

  /** Of a request for nothing that is here. */
  #spanWithoutRoute({ exchange, path, startedAt }: Progress): Span | undefined {
    if (path !== undefined) return undefined;
    return this.#telemetry.begin(exchange.request, undefined, exchange.remoteAddress, startedAt);
  }
}

function progressOf(exchange: HttpExchange): Progress {
  return {
    exchange,
    id: requestId(exchange.request.headers.get('x-request-id'), randomUUID),
    startedAt: performance.now(),
    span: undefined,
    path: undefined,
    route: undefined,
    body: undefined,
    user: undefined,
  };
}

/** A complaint about the input as a whole, as one about the place where the body is no JSON, if that is why. */
function withPlace(error: FlotillaError, body: Buffer | undefined): FlotillaError {
  if (error.code !== 'invalid_argument' || error instanceof Refusal || !body) return error;
  return syntaxFault(body) ?? error;
}

/** What the call is made with beside its input, its deadline and its signal. */
function callIdentity({ exchange, user, span }: Progress, route: Route, input: Uint8Array): CallOptions {
  return {
    trace: span,
    user,
    idempotencyKey: idempotencyKey(exchange.request.headers.get('idempotency-key')),
    idempotent: route.operation.idempotent,
    routingKey: route.routingKey?.(input),
  };
}

/** Headers of every response. */
function responseHeaders(id: string): string[] {
  return ['x-request-id', id, 'x-content-type-options', 'nosniff', 'cache-control', 'no-store'];
}
