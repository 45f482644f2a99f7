/** One request under way: what is known of it so far. */
import { randomUUID } from 'node:crypto';
import type { EndUser, Span } from 'flotilla';
import type { HttpExchange } from './data-plane/data-plane.ts';
import { requestId } from './request/request-id.ts';
import type { Route } from './routes.ts';

export interface RequestProgress {
  readonly exchange: HttpExchange;
  readonly id: string;
  /** Milliseconds of `performance.now()`. */
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

export function beginProgress(exchange: HttpExchange): RequestProgress {
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
