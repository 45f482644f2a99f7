/**
 * `$JS.API.CONSUMER.…`: create, update, info, list, names, delete. Requests of another shape are not answered, as by
 * nats-server; pull requests (`MSG.NEXT`) do not come here.
 */
import { fromWireText } from '../../protocol/wire-text.ts';
import { showConsumer } from '../consumer/consumer-info.ts';
import type { ConsumerSet } from '../consumer/consumer-set.ts';
import { steadyNow } from '../consumer/run-queue.ts';
import type { JetStreamContext } from '../context.ts';
import { ApiError, apiError } from './api-error.ts';
import type { ApiHandler, ApiRequest, ApiResult } from './api-request.ts';
import { readConsumerRequest } from './consumer-request.ts';

export type FindConsumers = (stream: string) => ConsumerSet | undefined;

/** Consumers in one answer. */
const NAMES_LIMIT = 1_024;
const LIST_LIMIT = 256;

export function handleConsumerApi(context: JetStreamContext, find: FindConsumers): void {
  const consumersOf = (stream: string): ConsumerSet => {
    const consumers = find(stream);
    if (consumers === undefined) throw apiError('streamNotFound');
    return consumers;
  };
  const show = (consumers: ConsumerSet, name: string): ApiResult => {
    const consumer = consumers.get(name);
    if (consumer === undefined) throw apiError('consumerNotFound');
    return showConsumer(consumer.machine, consumers.name, steadyNow());
  };

  const create: ApiHandler = (request) => {
    const asked = readConsumerRequest(request);
    if (asked === undefined) return undefined;
    const consumers = consumersOf(asked.stream);
    return show(consumers, consumers.apply(asked.config).machine.name);
  };
  context.handle('CONSUMER.CREATE', 'consumer_create_response', create);
  context.handle('CONSUMER.DURABLE.CREATE', 'consumer_create_response', create);

  context.handle('CONSUMER.INFO', 'consumer_info_response', ({ tokens, body }) => {
    const [, , stream, name, ...more] = tokens;
    if (stream === undefined || name === undefined || more.length > 0) return undefined;
    if (body.length > 0) throw apiError('notEmptyRequest');
    return show(consumersOf(stream), name);
  });

  context.handle('CONSUMER.DELETE', 'consumer_delete_response', ({ tokens, body }) => {
    const [, , stream, name, ...more] = tokens;
    if (stream === undefined || name === undefined || more.length > 0) return undefined;
    if (body.length > 0) throw apiError('notEmptyRequest');
    consumersOf(stream).delete(name);
    return { success: true };
  });

  context.handle('CONSUMER.NAMES', 'consumer_names_response', (request) =>
    page(request, NAMES_LIMIT, consumersOf, ({ all }, from, to) =>
      all.slice(from, to).map(({ machine }) => fromWireText(machine.name)),
    ),
  );
  context.handle('CONSUMER.LIST', 'consumer_list_response', (request) =>
    page(request, LIST_LIMIT, consumersOf, ({ all, name }, from, to) =>
      all.slice(from, to).map(({ machine }) => showConsumer(machine, name, steadyNow())),
    ),
  );
}

function page(
  { tokens, body }: ApiRequest,
  limit: number,
  consumersOf: (stream: string) => ConsumerSet,
  entries: (consumers: ConsumerSet, from: number, to: number) => readonly unknown[],
): ApiResult | undefined {
  const [, , stream, ...more] = tokens;
  if (stream === undefined || more.length > 0) return undefined;
  try {
    const offset = readOffset(body);
    const consumers = consumersOf(stream);
    const total = consumers.count;
    const from = Math.min(offset, total);
    return { total, offset: from, limit, consumers: entries(consumers, from, from + limit) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { error: error.body, total: 0, offset: 0, limit: 0, consumers: [] };
  }
}

function readOffset(body: Buffer): number {
  if (body.length === 0) return 0;
  let request: { readonly offset?: unknown } | null;
  try {
    request = JSON.parse(body.toString());
  } catch {
    throw apiError('invalidJson');
  }
  const offset = request?.offset ?? 0;
  if (typeof offset !== 'number' || !Number.isInteger(offset)) throw apiError('invalidJson');
  return Math.max(0, offset);
}
