/** Operations of a contract: what a caller can ask of a service. */
import type { HttpMethod, Priority, SseBinding } from './document.ts';
import type { FieldsOf, InputOf, OutputOf, Schema, StreamSchema } from './schema.ts';

export type { Priority } from './document.ts';

/** An error that an operation declares: callers get its `data` typed and narrow on its code. */
export interface Failure<Data extends Schema = Schema> {
  readonly kind: 'failure';
  readonly data: Data;
  /** HTTP status at the edge; default 422. */
  readonly status: number;
  readonly summary?: string;
}

/** A declared error with its own HTTP status. A bare schema in `errors` is the same with status 422. */
export function failure<Data extends Schema>(options: {
  data: Data;
  status?: number;
  summary?: string;
}): Failure<Data> {
  return { kind: 'failure', status: 422, ...options };
}

export type Failures = Readonly<Record<string, Schema | Failure>>;
export type FailureData<F extends Schema | Failure> =
  F extends Failure<infer D> ? D : F extends Schema ? F : never;

export type Scope = `${string}:${string}`;
/** See {@link AccessDocument} for the meaning; a scope or a list of scopes requires all of them. */
export type Access = 'public' | 'authenticated' | 'internal' | Scope | readonly Scope[];

export type HttpRoute = `${HttpMethod} /${string}`;

/** How an operation appears over HTTP. `Field` are the fields of its input, `ItemField` those of a stream's items. */
export interface HttpBinding<
  Field extends string = string,
  ItemField extends string = string,
  Route extends string = HttpRoute,
> {
  /** Method and path; `{field}` segments name fields of the input. */
  readonly route: Route;
  /** Status of a success; default 200. */
  readonly status?: number;
  /** Status when the handler said that this is the result of an earlier call; default `status`. */
  readonly replayStatus?: number;
  /** Fields from the query string. Default: for GET and DELETE all that are not in the path or in a header. */
  readonly query?: readonly Field[];
  /** Input field → request header. */
  readonly headers?: { readonly [F in Field]?: string };
  /** The one field that is the whole body. Default: the body holds the fields that come from nowhere else. */
  readonly body?: Field;
  /** Only for a stream. */
  readonly sse?: [ItemField] extends [never] ? undefined : SseBinding<Field, ItemField>;
}

type InputField<I extends Schema> = FieldsOf<InputOf<I>>;
type ItemField<O extends Schema | StreamSchema> =
  O extends StreamSchema<infer Item> ? FieldsOf<OutputOf<Item>> : never;

type PathField<Route extends string> = Route extends `${string}{${infer Field}}${infer Rest}`
  ? Field | PathField<Rest>
  : never;
/** The route itself where its `{field}` segments are fields of the input; otherwise a text that says what is wrong. */
type CheckedRoute<Route extends string, Field extends string> = [PathField<Route>] extends [Field]
  ? Route
  : `the input has no field '${Exclude<PathField<Route>, Field>}'`;

/** What the author of a contract writes. */
export interface OperationSpec<
  I extends Schema = Schema,
  O extends Schema | StreamSchema = Schema | StreamSchema,
  E extends Failures = Failures,
  Route extends HttpRoute = HttpRoute,
> {
  /** One line for documents and consoles. */
  readonly summary?: string;
  readonly description?: string;
  /** Default: an empty object. */
  readonly input?: I;
  /** Default: null. */
  readonly output?: O;
  readonly errors?: E;
  /** Whether repeating the call has the effect of calling once, so that it may be retried. Default false. */
  readonly idempotent?: boolean;
  /**
   * Who is served first when a server is overloaded: `high`, `normal` (the default), or `background` for what can wait.
   */
  readonly priority?: Priority;
  /**
   * The input field that shards the operation: where calls are balanced by `consistent-hash`, those with the same value
   * go to the same instance. A text, a number or a boolean.
   */
  readonly key?: InputField<I>;
  /** Default: `authenticated` where there is an `http` binding, else `internal`. */
  readonly access?: Access;
  readonly http?:
    | CheckedRoute<Route, InputField<I>>
    | HttpBinding<InputField<I>, ItemField<O>, CheckedRoute<Route, InputField<I>>>;
}

export interface Operation<
  I extends Schema = Schema,
  O extends Schema | StreamSchema = Schema | StreamSchema,
  E extends Failures = Failures,
> {
  readonly kind: 'operation';
  readonly input: I;
  readonly output: O;
  readonly errors: E;
  /** What the author wrote, without the types: see `describe` for the resolved form. */
  readonly spec: OperationSpec;
}

/**
 * `T`, but closed to inference from the place where the result is used: inside `contract(…)` the defaults would
 * otherwise lose to the bounds that `contract` puts on its members.
 */
type Given<T> = [T] extends [infer U extends T] ? U : never;

/** Declares an operation. Defaults: no input, no output, no declared errors, not idempotent, of normal priority, internal. */
export function operation<
  I extends Schema = Schema<Record<string, never>>,
  O extends Schema | StreamSchema = Schema<null>,
  E extends Failures = Record<never, never>,
  const Route extends HttpRoute = HttpRoute,
>(spec: OperationSpec<I, O, E, Route> = {}): Operation<Given<I>, Given<O>, Given<E>> {
  return {
    kind: 'operation',
    input: (spec.input ?? emptyObject) as Given<I>,
    output: (spec.output ?? nullValue) as Given<O>,
    errors: (spec.errors ?? {}) as Given<E>,
    spec: spec as OperationSpec,
  };
}

function literal<T>(accepts: (value: unknown) => boolean, message: string, jsonSchema: object): Schema<T> {
  const json = () => ({ ...jsonSchema });
  return {
    '~standard': {
      version: 1,
      vendor: 'flotilla',
      validate: (value: unknown) =>
        accepts(value) ? { value: (value ?? null) as T } : { issues: [{ message }] },
      jsonSchema: { input: json, output: json },
    },
  } as Schema<T>;
}

const emptyObject = literal<Record<string, never>>(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0,
  'this operation takes no input: send an empty object',
  { type: 'object', properties: {}, additionalProperties: false },
);

const nullValue = literal<null>(
  (value) => value === null || value === undefined,
  'this operation has no output: return nothing',
  { type: 'null' },
);
