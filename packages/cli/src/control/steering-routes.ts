/** The control requests that steer a running fleet: faults, policies, breakers. Answers are JSON. */

import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { Failure } from '../failure.ts';
import type { Steering } from '../steering/steering.ts';

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

const MAX_BODY_BYTES = 64 * 1_024;

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

async function bodyOf<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new Failure('usage', 'the request is too large');
  }
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new Failure('usage', `the request is not understood: ${z.prettifyError(parsed.error)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
