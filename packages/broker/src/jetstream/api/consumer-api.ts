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
  /** Once it is known how many messages are ahead of it. */
  const show = (stream: string, name: string): ApiResult | undefined => {
    const consumers = consumersOf(stream);
    const consumer = consumers.get(name);
    if (consumer === undefined) throw apiError('consumerNotFound');
    if (!consumer.machine.cursor.countSome()) return undefined;
    return showConsumer(consumer.machine, consumers.name, steadyNow());
  };

  const create: ApiHandler = (request, answer) => {
    const asked = readConsumerRequest(request);
    if (asked === undefined) return undefined;
    const { name } = consumersOf(asked.stream).apply(asked.config).machine;
    answer.once(() => show(asked.stream, name));
    return undefined;
  };
  context.handle('CONSUMER.CREATE', 'consumer_create_response', create);
  context.handle('CONSUMER.DURABLE.CREATE', 'consumer_create_response', create);

  context.handle('CONSUMER.INFO', 'consumer_info_response', ({ tokens, body }, answer) => {
    const [, , stream, name, ...more] = tokens;
    if (stream === undefined || name === undefined || more.length > 0) return undefined;
    if (body.length > 0) throw apiError('notEmptyRequest');
    answer.once(() => show(stream, name));
    return undefined;
  });

  context.handle('CONSUMER.DELETE', 'consumer_delete_response', ({ tokens, body }) => {
    const [, , stream, name, ...more] = tokens;
    if (stream === undefined || name === undefined || more.length > 0) return undefined;
    if (body.length > 0) throw apiError('notEmptyRequest');
    consumersOf(stream).delete(name);
    return { success: true };
  });

  context.handle('CONSUMER.NAMES', 'consumer_names_response', (request) =>
    isPaged(request)
      ? page(request, NAMES_LIMIT, consumersOf, ({ all }, from, to) =>
          all.slice(from, to).map(({ machine }) => fromWireText(machine.name)),
        )
      : undefined,
  );
  context.handle('CONSUMER.LIST', 'consumer_list_response', (request, answer) => {
    if (!isPaged(request)) return undefined;
    answer.once(() =>
      page(request, LIST_LIMIT, consumersOf, ({ all, name }, from, to) => {
        const shown = all.slice(from, to);
        if (!shown.every(({ machine }) => machine.cursor.countSome())) return undefined;
        return shown.map(({ machine }) => showConsumer(machine, name, steadyNow()));
      }),
    );
    return undefined;
  });
}

/** Requests of another shape are not answered. */
function isPaged({ tokens }: ApiRequest): boolean {
  return tokens.length === 3;
}

function page(
  { tokens, body }: ApiRequest,
  limit: number,
  consumersOf: (stream: string) => ConsumerSet,
  entries: (consumers: ConsumerSet, from: number, to: number) => readonly unknown[] | undefined,
): ApiResult | undefined {
  const [, , stream = ''] = tokens;
  try {
    const offset = readOffset(body);
    const consumers = consumersOf(stream);
    const total = consumers.count;
    const from = Math.min(offset, total);
    const found = entries(consumers, from, from + limit);
    return found && { total, offset: from, limit, consumers: found };
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
