/** The control requests that steer a running fleet: faults, policies, breakers. Answers are JSON. */

import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Steering } from '../steering/steering.ts';
import { bodyOf } from './request-body.ts';

const Texts = z.array(z.string().max(1_000)).max(100);
const FaultOrder = z.strictObject({
  target: z.string().max(1_000),
  effects: Texts,
  time: z.string().max(100).optional(),
});
const PolicyOrder = z.strictObject({ selector: z.string().max(1_000), settings: Texts });
const BreakerOrder = z.strictObject({
  selector: z.string().max(1_000),
  order: z.enum(['open', 'closed', 'auto']),
});

/** What a request of this kind is answered with; undefined when it is of another. */
export function steer(
  route: string,
  query: URLSearchParams,
  request: IncomingMessage,
  steering: Steering,
): unknown {
  switch (route) {
    case 'GET /control':
      return steering.document;
    case 'GET /faults':
      return steering.faults;
    case 'POST /faults':
      return bodyOf(request, FaultOrder).then((order) => steering.addFaults(order));
    case 'DELETE /faults':
      return steering.clearFaults(query.get('id') ?? undefined);
    case 'POST /policies':
      return bodyOf(request, PolicyOrder).then(({ selector, settings }) =>
        steering.setPolicy(selector, settings),
      );
    case 'DELETE /policies':
      return steering.clearPolicies(query.get('selector') ?? undefined, query.getAll('key'));
    case 'POST /breakers':
      return bodyOf(request, BreakerOrder).then(({ selector, order }) =>
        steering.setBreaker(selector, order),
      );
    default:
      return undefined;
  }
}
