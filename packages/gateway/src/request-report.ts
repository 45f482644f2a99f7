/** What is told of a request: to the log, to the metrics, and as a span. */
import {
  type FlotillaError,
  type Logger,
  type PlatformCode,
  platformCodes,
  type Span,
  traceIdOf,
} from 'flotilla';
import { type Problem, problemOf } from './problem.ts';
import type { RequestProgress } from './request-progress.ts';
import type { RequestTelemetry } from './request-telemetry.ts';
import { type BuiltIn, pathOf, type Route } from './routes.ts';
import type { StreamEnd } from './sse/event-stream.ts';

/** How a request ended, beside its status. */
export interface RequestEnding {
  readonly problem?: Pick<Problem, 'code' | 'status'> | undefined;
  readonly stream?: StreamEnd;
}

/** Nobody is told: the client was gone before there was an answer. */
const clientGone = { code: 'cancelled', status: platformCodes.cancelled.httpStatus };

export class RequestReport {
  readonly #log: Logger;
  readonly #telemetry: RequestTelemetry;

  constructor(log: Logger, telemetry: RequestTelemetry) {
    this.#log = log;
    this.#telemetry = telemetry;
  }

  /** It is known what is asked for. */
  routed(progress: RequestProgress, target: Route | BuiltIn): void {
    if (typeof target !== 'string') progress.route = target;
    progress.path = typeof target === 'string' ? pathOf[target] : target.http.path;
    if (target !== 'health') progress.span = this.#begin(progress);
  }

  ended(progress: RequestProgress, status: number, { problem, stream }: RequestEnding = {}): void {
    const { exchange, id, route, user, startedAt } = progress;
    const { method, path } = exchange.request;
    const ms = performance.now() - startedAt;
    // Of a request for nothing that is here.
    const span = progress.path === undefined ? this.#begin(progress) : progress.span;
    if (span) this.#telemetry.end(span, problem === clientGone ? undefined : status, problem);
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

  abandoned(progress: RequestProgress): void {
    this.ended(progress, clientGone.status, { problem: clientGone });
  }

  /** The error as the client gets to see it. */
  problem({ id, route }: RequestProgress, error: FlotillaError): Problem {
    const problem = problemOf(error, id, route);
    if (problem.status < 500) return problem;
    const fields = { requestId: id, operation: route?.id, status: problem.status, error };
    // While a service is away every request for it fails: a line for each would drown what matters.
    if (platformCodes[problem.code as PlatformCode]?.retryable) this.#log.debug('a request failed', fields);
    else this.#log.warn('a request failed', fields);
    return problem;
  }

  /** Of bytes that never became a request. */
  refused(id: string, error: FlotillaError, remoteAddress: string): Problem {
    const problem = problemOf(error, id);
    const { status } = problem;
    this.#telemetry.count('', undefined, status, undefined);
    this.#log.debug('refused', { requestId: id, remote: remoteAddress, status, detail: error.message });
    return problem;
  }

  #begin({ exchange, path, startedAt }: RequestProgress): Span {
    return this.#telemetry.begin(exchange.request, path, exchange.remoteAddress, startedAt);
  }
}
