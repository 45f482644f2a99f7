/**
 * The API under `$JS.API.`: finds the handler of a request by the tokens that its subject begins with, encodes what
 * it returns, and answers once everything that it wrote or saw is on disk.
 */
import { toWireText } from '../../protocol/wire-text.ts';
import { LocalClient } from '../../routing/local-client.ts';
import type { Router } from '../../routing/router.ts';
import type { Commits } from '../store/commits.ts';
import { ApiError, type ApiErrorBody, apiError } from './api-error.ts';
import type { ApiAnswer, ApiHandler, ApiRequest, ApiResult } from './api-request.ts';

const PREFIX = '$JS.API.';
const TYPE = 'io.nats.jetstream.api.v1.';
/** Longest beginning of a subject by which a handler is found, in tokens. */
const MOST_TOKENS = 4;

interface Route {
  readonly responseType: string;
  readonly handler: ApiHandler;
}

export class ApiRouter {
  readonly #client: LocalClient;
  readonly #commits: Commits;
  readonly #failed: (error: unknown, subject: string) => void;
  readonly #routes = new Map<string, Route>();
  #total = 0;
  #errors = 0;
  #isClosed = false;

  /** @param failed told about errors of handlers that are no answers; clients are told no more than that. */
  constructor(router: Router, commits: Commits, failed: (error: unknown, subject: string) => void) {
    this.#client = new LocalClient(router, failed);
    this.#commits = commits;
    this.#failed = failed;
  }

  /** Requests since the start, and how many of them were refused. */
  get counts(): { readonly total: number; readonly errors: number } {
    return { total: this.#total, errors: this.#errors };
  }

  /** See `JetStreamContext.handle`. */
  handle(tokens: string, responseType: string, handler: ApiHandler): void {
    this.#routes.set(tokens, { responseType: TYPE + responseType, handler });
  }

  /** Nothing is answered any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Begins to answer. */
  open(): void {
    this.#client.subscribe(`${PREFIX}>`, (subject, reply, headers, body) => {
      if (reply === '') return;
      const wire = toWireText(subject);
      const tokens = wire.slice(PREFIX.length).split('.');
      const route = this.#find(tokens);
      if (route === undefined) return;
      this.#total++;
      this.#serve(route, { tokens, subject: wire, reply, headers, body });
    });
  }

  /** The one whose tokens are the longest beginning of the request's. */
  #find(tokens: readonly string[]): Route | undefined {
    for (let length = Math.min(tokens.length, MOST_TOKENS); length > 0; length--) {
      const route = this.#routes.get(tokens.slice(0, length).join('.'));
      if (route !== undefined) return route;
    }
    return undefined;
  }

  #serve(route: Route, request: ApiRequest): void {
    const answer: ApiAnswer = {
      once: (work) => this.#attempt(work, answer, request, () => setImmediate(() => answer.once(work))),
      respond: (result) => this.#respond(route, request, result),
      fail: (error) => this.#fail(route, request, error.body),
    };
    this.#attempt(
      () => route.handler(request, answer),
      answer,
      request,
      () => {},
    );
  }

  #attempt(
    work: () => ApiResult | undefined,
    answer: ApiAnswer,
    { subject }: ApiRequest,
    unanswered: () => void,
  ): void {
    if (this.#isClosed) return;
    let result: ApiResult | undefined;
    try {
      result = work();
    } catch (error) {
      if (error instanceof ApiError) {
        answer.fail(error);
        return;
      }
      this.#failed(error, subject);
      answer.fail(apiError('streamGeneral', 'internal error: see the log of the broker'));
      return;
    }
    if (result === undefined) unanswered();
    else answer.respond(result);
  }

  #respond(route: Route, request: ApiRequest, result: ApiResult): void {
    this.#send(request, { type: route.responseType, ...result });
  }

  #fail(route: Route, request: ApiRequest, error: ApiErrorBody): void {
    this.#errors++;
    this.#send(request, { type: route.responseType, error });
  }

  #send(request: ApiRequest, response: ApiResult): void {
    const body = Buffer.from(JSON.stringify(response));
    this.#commits.afterCommit(() => this.#client.publish(request.reply, body));
  }
}
