/** The JSON form of a contract: what a running service tells the gateway, the CLI and the registry about itself. */

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = { readonly [keyword: string]: unknown };

export interface ContractDocument {
  readonly service: string;
  readonly summary?: string;
  /** Stable digest of everything that a caller depends on; ignores documentation and order. */
  readonly hash: string;
  readonly operations: Readonly<Record<string, OperationDocument>>;
  readonly events: Readonly<Record<string, EventDocument>>;
}

export interface OperationDocument {
  readonly summary?: string;
  readonly description?: string;
  readonly input: JsonSchema;
  /** The output, or one item of it when `stream` is true. */
  readonly output: JsonSchema;
  readonly stream: boolean;
  readonly errors: Readonly<Record<string, FailureDocument>>;
  /** Whether a repeated call has the effect of one: the platform may then retry it. */
  readonly idempotent: boolean;
  /** Absent: `normal`. */
  readonly priority?: Exclude<Priority, 'normal'>;
  /** Input field that shards the operation: calls with the same value belong to the same instance. */
  readonly key?: string;
  readonly access: AccessDocument;
  readonly http?: HttpBindingDocument;
}

/** Under overload a server refuses `background` first and `high` last. The platform's own calls come before all of them. */
export type Priority = 'high' | 'normal' | 'background';

export interface FailureDocument {
  readonly summary?: string;
  readonly status: number;
  readonly data: JsonSchema;
}

/**
 * Who may call: `public` anyone at the gateway; `authenticated` any end user with a valid token; `scopes` an end
 * user whose token grants all of them; `internal` only services of the fleet (never routed at the gateway).
 */
export type AccessDocument =
  | { readonly kind: 'public' | 'authenticated' | 'internal' }
  | { readonly kind: 'scopes'; readonly scopes: readonly string[] };

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface HttpBindingDocument {
  readonly method: HttpMethod;
  /** A path with `{field}` segments, each naming a field of the input. */
  readonly path: string;
  /** Status of a success. */
  readonly status: number;
  /** Status when the result is that of an earlier identical call. */
  readonly replayStatus: number;
  /** Input fields that come from the query string. */
  readonly query: readonly string[];
  /** Input field → header name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the request body goes: the rest of the input, one field of it, or nowhere. */
  readonly body: { readonly kind: 'rest' | 'none' } | { readonly kind: 'field'; readonly field: string };
  readonly sse?: SseBinding;
}

/** How the items of a stream become Server-Sent Events. */
export interface SseBinding<Field extends string = string, ItemField extends string = string> {
  /** Item field that becomes the event's name. */
  readonly event?: ItemField;
  /** Item field that becomes the event's id. */
  readonly id?: ItemField;
  /** Input field that receives the client's `Last-Event-ID`. */
  readonly resume?: Field;
}

export interface EventDocument {
  readonly summary?: string;
  readonly payload: JsonSchema;
  /** Payload field by which order is kept. */
  readonly key?: string;
}
