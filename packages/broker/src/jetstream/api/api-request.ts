/** One request to `$JS.API.…`, and how it is answered. */
import type { ApiError } from './api-error.ts';

export interface ApiRequest {
  /** Tokens of the subject behind `$JS.API.`, as wire text: `CONSUMER`, `INFO`, `ORDERS`, `worker`. */
  readonly tokens: readonly string[];
  /** The whole subject, as wire text. */
  readonly subject: string;
  /** Never empty: a request without a reply subject is not dispatched. */
  readonly reply: string;
  readonly headers: Buffer | undefined;
  readonly body: Buffer;
}

/** Members of a response beside `type`. */
export type ApiResult = Readonly<Record<string, unknown>>;

/** For an answer that takes several turns. Exactly one of `respond` and `fail` is called, once. */
export interface ApiAnswer {
  /** Tries `work` turn by turn until it returns what is answered. What it throws ends it, like what a handler throws. */
  once(work: () => ApiResult | undefined): void;
  respond(result: ApiResult): void;
  fail(error: ApiError): void;
}

/**
 * Returns what is answered, after the commit of everything that it wrote or saw. Throws `ApiError` to refuse. Returns
 * undefined when it answers later through `answer`.
 */
export type ApiHandler = (request: ApiRequest, answer: ApiAnswer) => ApiResult | undefined;
