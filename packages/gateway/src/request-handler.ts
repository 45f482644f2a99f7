/**
 * The way of one request: ids, route, access, input, call, response. Every stage works on the canonical request; every
 * failure on the way becomes a problem detail in one place.
 */
import { randomUUID } from 'node:crypto';
import { type CallOptions, type FlotillaError, type Logger, type Telemetry, toFlotillaError } from 'flotilla';
import { authorise } from './auth/access.ts';
import type { TokenVerifier } from './auth/token-verifier.ts';
import type { GatewayConfig } from './config.ts';
import type { ExchangeHandler, HttpExchange, HttpResponse } from './data-plane/data-plane.ts';
import { requireJson, syntaxFault } from './input/json-body.ts';
import { type Problem, problemResponse } from './problem.ts';
import { Refusal } from './refusal.ts';
import { requestDeadlineMs, within } from './request/deadline.ts';
import { idempotencyKey } from './request/idempotency-key.ts';
import { beginProgress, type RequestProgress } from './request-progress.ts';
import { RequestReport } from './request-report.ts';
import { RequestTelemetry } from './request-telemetry.ts';
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
  readonly telemetry: Pick<Telemetry, 'tracer' | 'metrics'>;
}

export class RequestHandler implements ExchangeHandler {
  readonly #upstream: Upstream;
  readonly #config: GatewayConfig;
  readonly #verifier: TokenVerifier | undefined;
  readonly #state: GatewayState;
  readonly #streams: OpenStreams;
  readonly #report: RequestReport;
  #requests = 0;

  constructor(options: RequestHandlerOptions) {
    this.#upstream = options.upstream;
    this.#config = options.config;
    this.#verifier = options.verifier;
    this.#state = options.state;
    const { heartbeatMs, limits } = options.config;
    this.#streams = new OpenStreams({
      streams: limits.streams,
      heartbeatMs,
      stalledMs: limits.stalledMs,
    });
    const inProgress = () => ({
      requests: this.#requests - this.#streams.size,
      streams: this.#streams.size,
    });
    this.#report = new RequestReport(options.log, new RequestTelemetry(options.telemetry, inProgress));
  }

  /** Ends all streams as if their services had. */
  endStreams(): void {
    this.#streams.endAll();
  }

  handle(exchange: HttpExchange): void {
    const progress = beginProgress(exchange);
    this.#requests++;
    this.#serve(progress)
      .catch((thrown: unknown) => this.#fail(progress, thrown))
      .finally(() => this.#requests--);
  }

  /** Answers an exchange with an error, without a look at it. */
  reject(exchange: HttpExchange, error: FlotillaError): void {
    const progress = beginProgress(exchange);
    const found = this.#state.router.find(exchange.request.method, exchange.request.segments);
    if (found.kind === 'found') this.#report.routed(progress, found.target);
    this.#fail(progress, error);
  }

  refuse(error: FlotillaError, remoteAddress: string): HttpResponse {
    const id = randomUUID();
    const problem = this.#report.refused(id, error, remoteAddress);
    return problemResponse(error, problem, responseHeaders(id));
  }

  async #serve(progress: RequestProgress): Promise<void> {
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
    this.#report.routed(progress, found.target);
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
    const deadlineMs = requestDeadlineMs(request.headers.get('x-request-timeout'), this.#config.deadlineMs);
    const authorised = authorise(access, request.headers.get('authorization'), this.#verifier);
    progress.user = await (access.kind === 'public' ? authorised : within(authorised, deadlineMs));
    if (route.operation.stream) return this.#serveStream(progress, route, found.parameters, deadlineMs);
    return this.#serveCall(progress, route, found.parameters, deadlineMs);
  }

  async #serveCall(
    progress: RequestProgress,
    route: Route,
    parameters: readonly string[],
    deadlineMs: number,
  ): Promise<void> {
    const { request, signal } = progress.exchange;
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

  async #serveStream(
    progress: RequestProgress,
    route: Route,
    parameters: readonly string[],
    deadlineMs: number,
  ): Promise<void> {
    const { exchange } = progress;
    const { request } = exchange;
    const body = await this.#body(progress, deadlineMs);
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
        problem = this.#report.problem(progress, toFlotillaError(thrown));
        return errorEvent(problem);
      },
    });
    this.#report.ended(progress, status, { stream: end, problem });
  }

  async #body(progress: RequestProgress, deadlineMs: number): Promise<Buffer> {
    const { exchange, startedAt } = progress;
    const { bodyLength, headers } = exchange.request;
    if (bodyLength === 0) return exchange.readBody(0, deadlineMs);
    requireJson(headers);
    const leftMs = Math.max(1, startedAt + deadlineMs - performance.now());
    progress.body = await exchange.readBody(this.#config.limits.bodyBytes, leftMs);
    return progress.body;
  }

  #health(progress: RequestProgress): void {
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

  #respond(progress: RequestProgress, { status, headers, body }: HttpResponse): void {
    const all = [...responseHeaders(progress.id), ...headers];
    progress.exchange.respond(body ? { status, headers: all, body } : { status, headers: all });
    this.#report.ended(progress, status);
  }

  #fail(progress: RequestProgress, thrown: unknown): void {
    const { exchange, id } = progress;
    const error = withPlace(toFlotillaError(thrown), progress.body);
    const clientGone = error.code === 'cancelled' && exchange.signal.aborted;
    if (clientGone) {
      this.#report.abandoned(progress);
      return;
    }
    const problem = this.#report.problem(progress, error);
    exchange.respond(problemResponse(error, problem, responseHeaders(id)));
    this.#report.ended(progress, problem.status, { problem });
  }
}

/** A complaint about the input as a whole, as one about the place where the body is no JSON, if that is why. */
function withPlace(error: FlotillaError, body: Buffer | undefined): FlotillaError {
  if (error.code !== 'invalid_argument' || error instanceof Refusal || !body) return error;
  return syntaxFault(body) ?? error;
}

/** What the call is made with beside its input, its deadline and its signal. */
function callIdentity(
  { exchange, user, span }: RequestProgress,
  route: Route,
  input: Uint8Array,
): CallOptions {
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
