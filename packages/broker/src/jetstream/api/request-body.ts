/** Reading what a request asks for: its stream, and its body by members. */
import { fromWireText } from '../../protocol/wire-text.ts';
import { parseObject } from '../stream/read-config.ts';
import type { Stream } from '../stream/stream.ts';
import { apiError } from './api-error.ts';
import type { ApiRequest } from './api-request.ts';
import type { StreamDirectory } from './stream-directory.ts';

export type Body = Readonly<Record<string, unknown>>;

/**
 * The token of a request's subject that names a stream, as text.
 *
 * @param index of the token behind `$JS.API.`.
 */
export function nameIn(request: ApiRequest, index: number): string {
  return fromWireText(request.tokens[index] ?? '');
}

/** @throws ApiError `streamNotFound` */
export function streamIn(directory: StreamDirectory, request: ApiRequest, index: number): Stream {
  const stream = directory.get(nameIn(request, index));
  if (stream === undefined) throw apiError('streamNotFound');
  return stream;
}

/** The JSON object that must be there. @throws ApiError `badRequest` when the body is empty, `invalidJson`. */
export function requiredBody(request: ApiRequest): Body {
  if (request.body.length === 0) throw apiError('badRequest');
  return parseObject(request.body);
}

/** The JSON object that may be there. @throws ApiError `invalidJson` */
export function optionalBody(request: ApiRequest): Body {
  return request.body.length === 0 ? {} : parseObject(request.body);
}

/** Nothing, or a JSON object without members. @throws ApiError `notEmptyRequest` */
export function requireNoBody({ body }: ApiRequest): void {
  if (body.length === 0) return;
  try {
    if (Object.keys(parseObject(body)).length === 0) return;
  } catch {
    // Text that is no JSON is not empty either.
  }
  throw apiError('notEmptyRequest');
}

/** @throws ApiError `invalidJson` when it is there and no whole number of at least 0. */
export function wholeNumber(body: Body, name: string): number {
  const value = body[name];
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw apiError('invalidJson');
  return value;
}

/** @throws ApiError `invalidJson` when it is there and no text. */
export function text(body: Body, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw apiError('invalidJson');
  return value;
}
