/**
 * A request to create or change a consumer. There are three shapes of subject: `CREATE.<stream>` for one without a
 * name of its own, `DURABLE.CREATE.<stream>.<durable>`, and since 2.9 `CREATE.<stream>.<name>[.<filter>]` for either.
 */
import { toWireText } from '../../protocol/wire-text.ts';
import { type ConsumerConfig, readConsumerConfig } from '../consumer/consumer-config.ts';
import { apiError } from './api-error.ts';
import type { ApiRequest } from './api-request.ts';

export interface ConsumerRequest {
  readonly stream: string;
  readonly config: ConsumerConfig;
}

/**
 * Undefined for a subject that is none of the three.
 *
 * @throws ApiError when subject and body do not agree, or the body cannot be read.
 */
export function readConsumerRequest({ tokens, body }: ApiRequest): ConsumerRequest | undefined {
  const isDurable = tokens[1] === 'DURABLE';
  const [stream, name, ...filter] = tokens.slice(isDurable ? 3 : 2);
  if (stream === undefined || (isDurable && (name === undefined || filter.length > 0))) return undefined;

  const request = readBody(body);
  const config = readConsumerConfig(request.config);
  if (request.stream_name !== stream) throw apiError('streamMismatch');
  if (name !== undefined && /[\\/]/.test(name)) throw apiError('consumerNameContainsPathSeparators');
  const { durable_name } = config;
  if (isDurable && durable_name === '') throw apiError('consumerDurableNameNotSet');
  if (name === undefined) {
    if (durable_name !== '') throw apiError('consumerEphemeralWithDurableName');
  } else if (durable_name !== '' && durable_name !== name) {
    throw apiError('consumerDurableNameNotMatchSubject');
  }
  if (filter.length > 0 && filter.join('.') !== config.filter_subject) {
    throw apiError('consumerCreateFilterSubjectMismatch');
  }
  if (config.num_replicas > 1) throw apiError('streamReplicasNotSupported');
  return { stream, config: isDurable || name === undefined ? config : { ...config, name } };
}

function readBody(body: Buffer): { readonly stream_name: string; readonly config: unknown } {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    throw apiError('invalidJson');
  }
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw apiError('invalidJson');
  const { stream_name = '', config } = json as { readonly stream_name?: unknown; readonly config?: unknown };
  if (typeof stream_name !== 'string') throw apiError('invalidJson');
  return { stream_name: toWireText(stream_name), config };
}
