/**
 * What the gateway tells of every request: a server span with the attributes of OpenTelemetry's semantic conventions for
 * HTTP, and the metrics. Names and labels are routes (`/v1/orders/{id}`) and never paths, so that clients cannot fill the
 * memory with them.
 */
import { type Attributes, parseTraceparent, type Span, type SpanTemplate, type Telemetry } from 'flotilla';
import type { Problem } from './problem.ts';

/** Of the request, what telemetry needs. */
export interface ObservedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
}

/** The label of what has no route. */
const noRoute = 'none';

/** RFC 9110 §9 and RFC 5789; others are `_OTHER` in telemetry, as the conventions want it. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);

/** Requests and streams under way. */
type InProgress = () => { readonly requests: number; readonly streams: number };

export class RequestTelemetry {
  readonly #tracer: Telemetry['tracer'];
  readonly #instruments: ReturnType<typeof register>;
  /** Name of the span → what its spans have in common. */
  readonly #templates = new Map<string, SpanTemplate>();

  constructor({ tracer, metrics }: Pick<Telemetry, 'tracer' | 'metrics'>, inProgress: InProgress) {
    this.#tracer = tracer;
    this.#instruments = register(metrics, inProgress);
  }

  /**
   * Starts the span of a request; it is the parent of the call to the service. The trace goes on from a valid `traceparent`,
   * or begins here.
   *
   * @param route path of the route with its `{field}`s; undefined when there is none
   * @param startedAt milliseconds of `performance.now()`
   */
  begin(
    { method, path, headers }: ObservedRequest,
    route: string | undefined,
    clientAddress: string,
    startedAt: number,
  ): Span {
    const parent = parseTraceparent(headers.get('traceparent'));
    return this.#template(known(method), route)
      .start(parent, startedAt)
      .set('url.path', path)
      .set('client.address', clientAddress);
  }

  /**
   * Ends the span of a request.
   *
   * @param status undefined when the client was gone before there was an answer
   * @param problem why it was no success
   */
  end(span: Span, status: number | undefined, problem: Pick<Problem, 'code' | 'status'> | undefined): void {
    if (status !== undefined) span.set('http.response.status_code', status);
    // Of a server's spans, the conventions take status 5xx for a failure and 4xx for the client's business.
    if (problem && problem.status >= 500) span.fail(problem.code);
    else if (problem) span.set('error.type', problem.code);
    span.end();
  }

  /**
   * Counts a request.
   *
   * @param seconds how long it took; undefined for a stream, which takes as long as its client likes
   */
  count(method: string, route: string | undefined, status: number, seconds: number | undefined): void {
    const { requests, duration } = this.#instruments;
    requests({ method: known(method), route: route ?? noRoute, status: String(status) }).add();
    if (seconds !== undefined) duration({ route: route ?? noRoute }).observe(seconds);
  }

  #template(method: string, route: string | undefined): SpanTemplate {
    const name = route === undefined ? method : `${method} ${route}`;
    let template = this.#templates.get(name);
    if (template === undefined) {
      const attributes: Attributes = { 'http.request.method': method, 'url.scheme': 'http' };
      template = this.#tracer.template(
        name,
        'server',
        route === undefined ? attributes : { ...attributes, 'http.route': route },
      );
      this.#templates.set(name, template);
    }
    return template;
  }
}

function register(metrics: Telemetry['metrics'], inProgress: InProgress) {
  metrics.gauge('flotilla_gateway_in_flight', 'Requests and streams in progress.', () => {
    const { requests, streams } = inProgress();
    return [
      [{ kind: 'request' }, requests],
      [{ kind: 'stream' }, streams],
    ] as const;
  });
  return {
    requests: metrics.counter(
      'flotilla_gateway_requests_total',
      'Requests answered; 499: the client did not wait for the answer.',
    ),
    duration: metrics.histogram(
      'flotilla_gateway_request_seconds',
      'From the head of a request to its answer. Without streams.',
    ),
  };
}

function known(method: string): string {
  return methods.has(method) ? method : '_OTHER';
}
